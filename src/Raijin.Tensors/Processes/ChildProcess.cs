using System.Runtime.InteropServices;

namespace Raijin.Tensors;

/// <summary>
/// A process started by posix_spawn, for whoever must be sure of its end: it may lead a process group, so that what it starts ends with it; its output may go straight to a file,
/// so that nothing is lost with this process; and it is signalled by an id that cannot have become another's. Linux and macOS.
/// </summary>
/// <remarks>
/// <see cref="System.Diagnostics.Process"/> can do none of these. Invariant: the id is its own until <see cref="WaitForExit"/> has collected it, and no signal is sent after that.
/// </remarks>
public sealed unsafe partial class ChildProcess
{
    /// <summary>The descriptor under which a child finds what it was handed.</summary>
    public const int HandedDescriptor = 3;

    const short SetGroup = 2, SetDefault = 4, SetMask = 8;
    const int BrokenPipe = 13;
    const int NoSuchFile = 2, NoSuchProcess = 3, Interrupted = 4, NotPermitted = 13;
    const int ById = 1, Exited = 4;
    static readonly int NoCollect = OperatingSystem.IsMacOS() ? 0x20 : 0x1000000;

    // Larger than posix_spawnattr_t, posix_spawn_file_actions_t, sigset_t and siginfo_t are anywhere.
    const int AnyStruct = 1024;

    readonly Lock _gate = new();
    ChildExit? _exit;

    ChildProcess(int id, bool leadsGroup)
    {
        Id = id;
        LeadsGroup = leadsGroup;
    }

    /// <summary>Whether processes can be started this way here.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux() || OperatingSystem.IsMacOS();

    /// <summary>Its process id; that of its group too, where it leads one.</summary>
    public int Id { get; }

    /// <summary>Whether it leads a process group, which is signalled and ended with it.</summary>
    public bool LeadsGroup { get; }

    /// <summary>How it ended; null while it runs, or was not yet waited for.</summary>
    public ChildExit? Exit
    {
        get
        {
            lock (_gate) return _exit;
        }
    }

    /// <summary>Starts it. It inherits the calling thread's CPUs (<see cref="CpuAffinity.BindThread"/>).</summary>
    /// <exception cref="IOException">The system refused: there is no such program, or it may not be run.</exception>
    /// <exception cref="PlatformNotSupportedException">Not on Linux or macOS.</exception>
    public static ChildProcess Start(ChildStart start)
    {
        ArgumentNullException.ThrowIfNull(start);
        if (start.Command.Count == 0) throw new ArgumentException("A command has at least a program.", nameof(start));
        if (!IsSupported) throw new PlatformNotSupportedException("Ranks are started as processes on Linux and macOS.");
        using var arguments = new NativeStrings(start.Command);
        using var environment = new NativeStrings([.. start.Environment.Select(v => $"{v.Key}={v.Value}")]);
        using var held = new HeldHandles();
        byte* actions = stackalloc byte[AnyStruct], attributes = stackalloc byte[AnyStruct], signals = stackalloc byte[AnyStruct];
        Check(ActionsInit(actions), "posix_spawn_file_actions_init");
        Check(AttributesInit(attributes), "posix_spawnattr_init");
        try
        {
            // The handed one last: its place may be where another's handle lies.
            foreach (var (handle, descriptor) in ((SafeHandle?, int)[])[(start.Input, 0), (start.Output, 1), (start.Error, 2), (start.Handed, HandedDescriptor)])
                if (handle is not null) Check(ActionsDup(actions, held.Descriptor(handle), descriptor), "posix_spawn_file_actions_adddup2");
            var flags = SetMask | SetDefault;
            if (start.OwnGroup)
            {
                flags |= SetGroup;
                Check(AttributesGroup(attributes, 0), "posix_spawnattr_setpgroup");
            }
            // The runtime ignores broken pipes; that would be inherited.
            _ = SignalsEmpty(signals);
            Check(AttributesMask(attributes, signals), "posix_spawnattr_setsigmask");
            _ = SignalsAdd(signals, BrokenPipe);
            Check(AttributesDefault(attributes, signals), "posix_spawnattr_setsigdefault");
            Check(AttributesFlags(attributes, (short)flags), "posix_spawnattr_setflags");
            var code = Spawn(out var id, arguments.First, actions, attributes, arguments.Pointers, environment.Pointers);
            if (code != 0) throw new IOException($"{start.Command[0]} cannot be started: {Marshal.GetPInvokeErrorMessage(code)} ({code}).{Remedy(start.Command[0], code)}", code);
            return new ChildProcess(id, start.OwnGroup);
        }
        finally
        {
            _ = ActionsDestroy(actions);
            _ = AttributesDestroy(attributes);
        }
    }

    /// <summary>Waits for its end, ends what is left of its group, and collects it. One thread waits, once.</summary>
    /// <param name="ended">Called when it has ended and its id is still its own.</param>
    public ChildExit WaitForExit(Action? ended = null)
    {
        byte* information = stackalloc byte[AnyStruct];
        // Not collected yet: the id stays its own while the rest of its group is ended.
        while (WaitId(ById, Id, information, Exited | NoCollect) < 0) ThrowUnlessInterrupted("waitid");
        ended?.Invoke();
        lock (_gate)
        {
            if (LeadsGroup) _ = SendSignal(-Id, ChildSignal.Kill);
            int status;
            while (WaitPid(Id, out status, 0) < 0) ThrowUnlessInterrupted("waitpid");
            var signal = status & 0x7f;
            _exit = signal == 0 ? new ChildExit((status >> 8) & 0xff, 0) : new ChildExit(128 + signal, signal);
            return _exit.Value;
        }
    }

    /// <summary>Sends a signal to it, and to its group where it leads one. Nothing happens once it has ended.</summary>
    public void Signal(int signal)
    {
        lock (_gate)
        {
            if (_exit is not null) return;
            if (SendSignal(LeadsGroup ? -Id : Id, signal) < 0 && Marshal.GetLastPInvokeError() is var code and not NoSuchProcess)
                throw new IOException($"{ChildSignal.NameOf(signal)} could not be sent to process {Id}: {Marshal.GetPInvokeErrorMessage(code)} ({code}).", code);
        }
    }

    /// <summary>Keeps a descriptor that this process was handed from those it starts itself. Linux.</summary>
    /// <returns>False when there is no such descriptor, or nothing could be done.</returns>
    public static bool KeepFromChildren(int descriptor)
    {
        // Elsewhere a function of variable arguments is called in another way.
        const int setFlags = 2, closeOnExec = 1;
        return OperatingSystem.IsLinux() && FileControl(descriptor, setFlags, closeOnExec) == 0;
    }

    /// <summary>Ends this process at once, with its group where it leads one: nothing runs any more, no handler, no finalizer.</summary>
    public static void EndSelf()
    {
        if (IsSupported && GetGroup() == Environment.ProcessId) _ = SendSignal(0, ChildSignal.Kill);
        using var self = System.Diagnostics.Process.GetCurrentProcess();
        self.Kill();
    }

    static string Remedy(string program, int code) => code switch
    {
        NoSuchFile when !program.Contains('/', StringComparison.Ordinal) => " It is not in PATH: give its path, or install it.",
        NotPermitted => " It is not executable: chmod +x it, or give a program.",
        _ => "",
    };

    static void Check(int code, string call)
    {
        if (code != 0) throw new IOException($"{call} failed: {Marshal.GetPInvokeErrorMessage(code)} ({code}).", code);
    }

    static void ThrowUnlessInterrupted(string call)
    {
        if (Marshal.GetLastPInvokeError() is var code and not Interrupted) Check(code, call);
    }

    [LibraryImport("libc", EntryPoint = "posix_spawnp")]
    private static partial int Spawn(out int id, byte* program, byte* actions, byte* attributes, byte** arguments, byte** environment);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_init")]
    private static partial int ActionsInit(byte* actions);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_adddup2")]
    private static partial int ActionsDup(byte* actions, int descriptor, int asDescriptor);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_destroy")]
    private static partial int ActionsDestroy(byte* actions);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_init")]
    private static partial int AttributesInit(byte* attributes);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setpgroup")]
    private static partial int AttributesGroup(byte* attributes, int group);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setsigmask")]
    private static partial int AttributesMask(byte* attributes, byte* signals);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setsigdefault")]
    private static partial int AttributesDefault(byte* attributes, byte* signals);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_setflags")]
    private static partial int AttributesFlags(byte* attributes, short flags);

    [LibraryImport("libc", EntryPoint = "posix_spawnattr_destroy")]
    private static partial int AttributesDestroy(byte* attributes);

    [LibraryImport("libc", EntryPoint = "sigemptyset")]
    private static partial int SignalsEmpty(byte* signals);

    [LibraryImport("libc", EntryPoint = "sigaddset")]
    private static partial int SignalsAdd(byte* signals, int signal);

    [LibraryImport("libc", EntryPoint = "waitid", SetLastError = true)]
    private static partial int WaitId(int kind, int id, byte* information, int options);

    [LibraryImport("libc", EntryPoint = "waitpid", SetLastError = true)]
    private static partial int WaitPid(int id, out int status, int options);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int id, int signal);

    [LibraryImport("libc", EntryPoint = "getpgrp")]
    private static partial int GetGroup();

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int FileControl(int descriptor, int command, int argument);

    /// <summary>A null-ended array of null-ended UTF-8 strings.</summary>
    sealed class NativeStrings : IDisposable
    {
        readonly int _count;

        public NativeStrings(IReadOnlyList<string> texts)
        {
            _count = texts.Count;
            Pointers = (byte**)NativeMemory.AllocZeroed((nuint)_count + 1, (nuint)sizeof(byte*));
            for (var i = 0; i < _count; i++) Pointers[i] = (byte*)Marshal.StringToCoTaskMemUTF8(texts[i]);
        }

        public byte** Pointers { get; }

        public byte* First => Pointers[0];

        public void Dispose()
        {
            for (var i = 0; i < _count; i++) Marshal.FreeCoTaskMem((nint)Pointers[i]);
            NativeMemory.Free(Pointers);
        }
    }

    /// <summary>Handles that stay open while their descriptors are in use.</summary>
    sealed class HeldHandles : IDisposable
    {
        readonly List<SafeHandle> _handles = [];

        public int Descriptor(SafeHandle handle)
        {
            var added = false;
            handle.DangerousAddRef(ref added);
            _handles.Add(handle);
            return (int)handle.DangerousGetHandle();
        }

        public void Dispose()
        {
            foreach (var handle in _handles) handle.DangerousRelease();
        }
    }
}
