using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Raijin.Tensors;

/// <summary>
/// Why a call of the stable C ABI failed. The ABI returns a bare error code and prints the reason to <c>std::cerr</c>, so the words must be
/// caught on their way there.
/// </summary>
abstract class NativeErrorText
{
    /// <summary>The catcher of this platform: where there is none, libtorch's words reach standard error and <see cref="End"/> knows nothing.</summary>
    public static NativeErrorText Current { get; } = GnuErrorStream.TryInstall() ?? (NativeErrorText)new Uncaught();

    /// <summary>From here to <see cref="End"/>, what this thread prints to <c>std::cerr</c> is kept instead of shown. Does not nest.</summary>
    public abstract void Begin();

    /// <summary>Stops keeping. When <paramref name="failed"/>, returns libtorch's reason without its C++ stack trace, or null if none was caught.</summary>
    public abstract string? End(bool failed);

    sealed class Uncaught : NativeErrorText
    {
        public override void Begin()
        {
        }

        public override string? End(bool failed) => null;
    }
}

/// <summary>
/// Stands in for <c>std::cerr</c>'s buffer: a byte copy of the buffer object whose vtable has <c>xsputn</c> and <c>overflow</c> replaced. A
/// thread inside a dispatcher call writes to its own memory; everybody else's writes go to the original functions on the original object.
/// </summary>
/// <remarks>
/// Only over the unbuffered <c>stdio_sync_filebuf</c> that a C++ program starts with: its copy holds no text that could be lost. <c>sync</c>
/// stays native, since the C++ runtime calls it at exit, after managed code can no longer run; the original comes back before that.
/// </remarks>
sealed unsafe class GnuErrorStream : NativeErrorText
{
    const int BufferBytes = 80;         // sizeof(stdio_sync_filebuf<char>)
    const int VTableWords = 16;         // offset to top, type info, 14 functions
    const int XsPutN = 2 + 12, Overflow = 2 + 13;
    const int KeptBytes = 16 * 1024;    // the reason comes first; the C++ stack trace may be cut

    static nint s_original;
    static delegate* unmanaged[Cdecl]<nint, byte*, nint, nint> s_originalPut;
    static delegate* unmanaged[Cdecl]<nint, int, int> s_originalOverflow;

    [ThreadStatic] static bool t_keeping;
    [ThreadStatic] static byte[]? t_kept;
    [ThreadStatic] static int t_length;

    GnuErrorStream()
    {
    }

    public static GnuErrorStream? TryInstall()
    {
        // An executable that uses std::cerr itself carries the one copy all libraries bind to.
        var cerr = NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "_ZSt4cerr", out var own) ? own : NativeExports.OfStdCxx("_ZSt4cerr");
        var getBuffer = (delegate* unmanaged[Cdecl]<nint, nint>)NativeExports.OfStdCxx("_ZNKSt9basic_iosIcSt11char_traitsIcEE5rdbufEv");
        var setBuffer = (delegate* unmanaged[Cdecl]<nint, nint, nint>)NativeExports.OfStdCxx("_ZNSt9basic_iosIcSt11char_traitsIcEE5rdbufEPSt15basic_streambufIcS1_E");
        var expected = NativeExports.OfStdCxx("_ZTVN9__gnu_cxx18stdio_sync_filebufIcSt11char_traitsIcEEE");
        if (cerr == 0 || getBuffer == null || setBuffer == null || expected == 0) return null;

        // basic_ios is a virtual base of ostream; its offset lies three words before the vtable's address point.
        var ios = cerr + *(nint*)(*(nint*)cerr - 3 * sizeof(nint));
        var original = getBuffer(ios);
        var vtable = (nint*)expected;
        if (*(nint*)original != (nint)(vtable + 2)) return null;

        var ours = (nint*)NativeMemory.Alloc(VTableWords, (nuint)sizeof(nint));
        new ReadOnlySpan<nint>(vtable, VTableWords).CopyTo(new Span<nint>(ours, VTableWords));
        s_original = original;
        s_originalPut = (delegate* unmanaged[Cdecl]<nint, byte*, nint, nint>)ours[XsPutN];
        s_originalOverflow = (delegate* unmanaged[Cdecl]<nint, int, int>)ours[Overflow];
        ours[XsPutN] = (nint)(delegate* unmanaged[Cdecl]<nint, byte*, nint, nint>)&Put;
        ours[Overflow] = (nint)(delegate* unmanaged[Cdecl]<nint, int, int>)&PutOne;

        var copy = (byte*)NativeMemory.Alloc(BufferBytes);
        new ReadOnlySpan<byte>((void*)original, BufferBytes).CopyTo(new Span<byte>(copy, BufferBytes));
        *(nint*)copy = (nint)(ours + 2);
        setBuffer(ios, (nint)copy);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => setBuffer(ios, original);
        return new GnuErrorStream();
    }

    public override void Begin()
    {
        t_length = 0;
        t_keeping = true;
    }

    public override string? End(bool failed)
    {
        t_keeping = false;
        return failed && t_length > 0 ? Reason(Encoding.UTF8.GetString(t_kept.AsSpan(0, t_length))) : null;
    }

    /// <summary>The reason in what libtorch logs: <c>[E1124 00:55:25.1 shim_common.cpp:507] Exception in aoti_torch: REASON\nException raised from …</c>.</summary>
    internal static string Reason(string logged)
    {
        const string Head = "Exception in aoti_torch: ";
        var from = logged.IndexOf(Head, StringComparison.Ordinal);
        var text = from < 0 ? logged : logged[(from + Head.Length)..];
        var trace = text.IndexOf("\nException raised from ", StringComparison.Ordinal);
        return (trace < 0 ? text : text[..trace]).Trim();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static nint Put(nint self, byte* text, nint count)
    {
        if (!t_keeping) return s_originalPut(s_original, text, count);
        Keep(new ReadOnlySpan<byte>(text, (int)Math.Min(count, KeptBytes)));
        return count;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    static int PutOne(nint self, int character)
    {
        if (!t_keeping) return s_originalOverflow(s_original, character);
        // An end-of-file mark asks for a flush; there is nothing to flush.
        if (character < 0) return 0;
        Keep([(byte)character]);
        return character;
    }

    static void Keep(ReadOnlySpan<byte> text)
    {
        var kept = t_kept ??= new byte[KeptBytes];
        text = text[..Math.Min(text.Length, KeptBytes - t_length)];
        text.CopyTo(kept.AsSpan(t_length));
        t_length += text.Length;
    }
}
