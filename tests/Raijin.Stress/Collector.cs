namespace Raijin.Stress;

/// <summary>A thread that does nothing but collect, so that a wrapper is finalized as soon as nothing reaches it.</summary>
sealed class Collector : IDisposable
{
    readonly Thread thread;
    volatile bool stop;
    long collections;

    public Collector()
    {
        thread = new Thread(Collect) { IsBackground = true, Name = "collector" };
        thread.Start();
    }

    public long Collections => Interlocked.Read(ref collections);

    public void Dispose()
    {
        stop = true;
        thread.Join();
    }

#pragma warning disable RS0030 // Forcing collections is what this program is for.
    /// <summary>Frees what is unreachable now, native memory included.</summary>
    public static void Settle()
    {
        // Twice: what a finalizer releases is itself finalizable.
        for (var i = 0; i < 2; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    void Collect()
    {
        while (!stop)
        {
            // Young wrappers are the ones at risk; an old one was a module's or survived by chance.
            GC.Collect(Interlocked.Increment(ref collections) % 256 == 0 ? GC.MaxGeneration : 0);
            // Without a pause the workers hardly move between two collections.
            Thread.SpinWait(1_000);
        }
    }
#pragma warning restore RS0030
}
