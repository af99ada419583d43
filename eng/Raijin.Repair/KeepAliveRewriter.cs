using Mono.Cecil;
using Mono.Cecil.Rocks;

namespace Raijin.Repair;

/// <summary>
/// The cure of the managed library. TorchSharp hands <c>wrapper.Handle</c> to native code and lets go of the wrapper, whose finalizer may then free
/// the native object while the call reads it. This inserts <see cref="GC.KeepAlive"/> after every native call for whatever the method can reach.
/// </summary>
/// <remarks>Invariant: between the moment a handle is read and the last native use of it, its wrapper is reachable.</remarks>
sealed class KeepAliveRewriter
{
    const int ExpectedCalls = 1_000;

    readonly KeepAliveEmitter emitter;
    readonly EscapingHandles escaping;

    KeepAliveRewriter(ModuleDefinition module)
    {
        emitter = new KeepAliveEmitter(module);
        escaping = new EscapingHandles(module);
    }

    /// <summary>The repaired assembly and what was done, or null when it needs no cure: repaired before, or kept alive by its authors.</summary>
    /// <exception cref="RepairException">This is not a TorchSharp assembly of the known shape.</exception>
    public static (byte[] Assembly, RewriteCounts Counts)? Cure(byte[] assembly)
    {
        using var module = Read(assembly);
        if (module.GetType(KeepAliveEmitter.Marker) is not null)
            return null;

        var methods = module.GetTypes().SelectMany(type => type.Methods).Where(m => m.HasBody).ToList();
        var calling = methods.Where(m => m.Body.Instructions.Any(Il.IsNativeCall)).ToList();
        RequireKnownShape(module, calling);
        // Its authors keep alive what a few indexing methods pass; where they do so almost everywhere the defect is gone.
        var reading = calling.Where(m => m.Body.Instructions.Any(Il.IsHandleGetter)).ToList();
        if (reading.Count(KeepsAlive) * 20 > reading.Count * 19)
            return null;

        var rewriter = new KeepAliveRewriter(module);
        var counts = methods.Where(m => !IsRelease(m)).Aggregate(new RewriteCounts(), (sum, method) => sum + rewriter.Rewrite(method));
        LibrarySearch.MakeSkippable(module, rewriter.emitter.MarkerType);
        // The bytes no longer match their signature; the runtime does not check it, but other tools read the flag.
        module.Attributes &= ~ModuleAttributes.StrongNameSigned;
        return (Write(module), counts);
    }

    RewriteCounts Rewrite(MethodDefinition method)
    {
        var calls = method.Body.Instructions.Where(Il.IsNativeCall).ToList();
        var readsMemory = method.HasThis && method.Body.Instructions.Any(Il.ReadsNativeMemory);
        var returnsHandles = EscapingHandles.ReturnsHandlesToNativeCode(method);
        if (calls.Count == 0 && !readsMemory && !returnsHandles)
            return default;

        method.Body.SimplifyMacros();
        var counts = new RewriteCounts(1, calls.Count, StackTemporaries: 0, LazySequences: 0);
        if (calls.Count > 0)
            counts += new RewriteCounts(0, 0, escaping.HoldStackTemporaries(method), escaping.HoldLazySequences(method));
        if (returnsHandles)
            escaping.HoldReturned(method);
        foreach (var call in calls)
            emitter.KeepAliveAfter(call, method);
        if (readsMemory)
            emitter.KeepThisUntilReturn(method);
        method.Body.OptimizeMacros();
        return counts;
    }

    static ModuleDefinition Read(byte[] assembly)
    {
        try
        {
            return ModuleDefinition.ReadModule(new MemoryStream(assembly), new ReaderParameters(ReadingMode.Immediate));
        }
        catch (Exception e) when (e is BadImageFormatException or EndOfStreamException or ArgumentException or IndexOutOfRangeException)
        {
            throw new RepairException($"a file that cannot be read ({e.Message})", "the managed assembly TorchSharp.dll",
                RepairException.DamagedPackage);
        }
    }

    static void RequireKnownShape(ModuleDefinition module, List<MethodDefinition> calling)
    {
        if (module.GetType(Il.NativeMethods) is not { } natives)
            throw new RepairException($"{module.Name} without {Il.NativeMethods}", "TorchSharp.dll with its native methods in that class",
                RepairException.UnknownPackage);
        if (natives.Methods.FirstOrDefault(m => !m.IsPInvokeImpl && !m.IsConstructor) is { } managed)
            throw new RepairException($"{managed.FullName}, which is managed", $"only native methods in {Il.NativeMethods}", RepairException.UnknownPackage);
        var calls = calling.Sum(m => m.Body.Instructions.Count(Il.IsNativeCall));
        if (calls < ExpectedCalls)
            throw new RepairException($"{calls} native calls in {module.Name}", $"at least {ExpectedCalls}", RepairException.UnknownPackage);
    }

    static byte[] Write(ModuleDefinition module)
    {
        using var stream = new MemoryStream();
        module.Write(stream, new WriterParameters { DeterministicMvid = true, Timestamp = 0 });
        return stream.ToArray();
    }

    static bool KeepsAlive(MethodDefinition method) =>
        method.Body.Instructions.Any(i => i.Operand is MethodReference { Name: nameof(GC.KeepAlive), DeclaringType.FullName: "System.GC" });

    /// <summary>A finalizer and <c>Dispose(bool)</c> run when nothing is left to be kept, and must not resurrect.</summary>
    static bool IsRelease(MethodDefinition method) =>
        method is { Name: "Finalize" } or { Name: "Dispose", Parameters: [{ ParameterType.MetadataType: MetadataType.Boolean }] };
}

/// <summary>What the rewriter changed.</summary>
/// <param name="Methods">Methods with a changed body.</param>
/// <param name="Calls">Native calls after which something is kept alive.</param>
/// <param name="StackTemporaries">Wrappers that lived on the evaluation stack alone.</param>
/// <param name="LazySequences">Sequences of tensors that nothing held once their handles were read.</param>
readonly record struct RewriteCounts(int Methods, int Calls, int StackTemporaries, int LazySequences)
{
    public static RewriteCounts operator +(RewriteCounts a, RewriteCounts b) =>
        new(a.Methods + b.Methods, a.Calls + b.Calls, a.StackTemporaries + b.StackTemporaries, a.LazySequences + b.LazySequences);
}
