namespace Raijin.Tensors.Tests;

public sealed class KernelTeamTests
{
    public static TheoryData<string> Teams => OpenMpTeam.Find() is null ? ["pool"] : ["pool", "openmp"];

    static KernelTeam Make(string team) => team == "pool" ? new KernelPool() : OpenMpTeam.Find()!;

    [Theory]
    [MemberData(nameof(Teams))]
    public void Every_part_of_every_job_is_done_exactly_once_before_run_returns(string name)
    {
        var team = Make(name);
        var job = new CountingJob(100);
        for (var run = 1; run <= 2000; run++)
        {
            job.Begin();
            team.Run(job, 1 + (run % 4));
            Assert.All(job.Done, count => Assert.Equal(run, count));
        }
    }

    [Theory]
    [MemberData(nameof(Teams))]
    public void Several_callers_at_once_each_get_their_own_job_done(string name)
    {
        var team = Make(name);
        var failures = 0;
        var callers = Enumerable.Range(0, 3).Select(_ => new Thread(Call)).ToList();
        callers.ForEach(t => t.Start());
        callers.ForEach(t => t.Join());
        Assert.Equal(0, failures);

        void Call()
        {
            var job = new CountingJob(20);
            for (var run = 1; run <= 500; run++)
            {
                job.Begin();
                team.Run(job, 2);
                if (job.Done.Any(count => count != run)) Interlocked.Increment(ref failures);
            }
        }
    }

    [Fact]
    public void A_parked_pool_wakes_up_for_the_next_job()
    {
        var pool = new KernelPool();
        using var met = new CountdownEvent(2);
        var job = new MeetingJob(met);
        for (var run = 0; run < 3; run++)
        {
            met.Reset();

            // Ends only when a second thread takes part, however long it has been parked.
            pool.Run(job, 2);
            Assert.True(met.IsSet);
            Assert.True(SpinWait.SpinUntil(() => pool.Parked == 1, TimeSpan.FromSeconds(10)), "the idle worker goes on spinning");
        }
    }

    sealed class CountingJob(int parts) : KernelJob
    {
        int _next;

        public int[] Done { get; } = new int[parts];

        public void Begin() => _next = 0;

        public override void Execute()
        {
            for (var part = Interlocked.Increment(ref _next) - 1; part < parts; part = Interlocked.Increment(ref _next) - 1)
                Interlocked.Increment(ref Done[part]);
        }
    }

    sealed class MeetingJob(CountdownEvent met) : KernelJob
    {
        public override void Execute()
        {
            if (!met.IsSet) met.Signal();
            met.Wait(TimeSpan.FromSeconds(10));
        }
    }
}
