using System.Text;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Tensors.Tests;

public sealed unsafe class NativeErrorTextTests
{
    [Fact]
    public void The_reason_is_what_stands_between_the_log_line_and_the_stack_trace()
    {
        const string Logged = "[E1124 00:55:25.122 shim_common.cpp:507] Exception in aoti_torch: mat1 and mat2\ndo not fit\nException raised from meta at x.cpp:204 (most recent call first):\nframe #0: c10::Error\n";
        Assert.Equal("mat1 and mat2\ndo not fit", GnuErrorStream.Reason(Logged));
        Assert.Equal("some words", GnuErrorStream.Reason(" some words\n"));
    }

    [Fact]
    public void Only_a_failing_calls_words_are_kept_from_standard_error()
    {
        Assert.SkipUnless(NativeErrorText.Current is GnuErrorStream, "this platform's std::cerr is not caught");
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "stderr.txt");

        var dup = (delegate* unmanaged[Cdecl]<int, int>)NativeExports.OfC("dup");
        var dup2 = (delegate* unmanaged[Cdecl]<int, int, int>)NativeExports.OfC("dup2");
        var close = (delegate* unmanaged[Cdecl]<int, int>)NativeExports.OfC("close");
        var write = (delegate* unmanaged[Cdecl]<nint, byte*, nint, nint>)NativeExports.OfStdCxx("_ZNSo5writeEPKcl");
        var cerr = NativeExports.OfStdCxx("_ZSt4cerr");
        using var stream = new FileStream(file, FileMode.Create, FileAccess.Write, FileShare.Read);

        void Print(string text)
        {
            fixed (byte* bytes = Encoding.UTF8.GetBytes(text)) write(cerr, bytes, text.Length);
        }

        var standardError = dup(2);
        dup2((int)stream.SafeFileHandle.DangerousGetHandle(), 2);
        try
        {
            Print("before ");
            using var scope = NewDisposeScope();
            Assert.Throws<AtenException>(() => Foreach.Multiply([ones(2)], [ones(3)]));
            Print("after");
        }
        finally
        {
            dup2(standardError, 2);
            close(standardError);
        }
        Assert.Equal("before after", File.ReadAllText(file));
    }
}
