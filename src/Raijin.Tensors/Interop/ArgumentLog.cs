using System.Globalization;
using System.Text;
using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>
/// Which tensors the calls in progress on this thread were given, for the message of the one that fails: by then libtorch has consumed the
/// handles. A stack, since an op may call back into code that calls another.
/// </summary>
static class ArgumentLog
{
    /// <summary>How many tensors of a list are remembered.</summary>
    public const int ItemsOfAList = 8;

    [ThreadStatic] static Entry[]? t_entries;
    [ThreadStatic] static int t_count;

    public static int Count => t_count;

    /// <param name="tensor">The tensor.</param>
    /// <param name="argument">Position of the argument it belongs to.</param>
    /// <param name="length">How many tensors that argument has.</param>
    public static void Add(Tensor tensor, int argument, int length)
    {
        var entries = t_entries ??= new Entry[64];
        if (t_count == entries.Length) Array.Resize(ref t_entries, entries.Length * 2);
        t_entries[t_count++] = new Entry(tensor, argument, length);
    }

    /// <summary>Forgets all beyond the first <paramref name="count"/>.</summary>
    public static void CutBack(int count)
    {
        if (t_count > count) Array.Clear(t_entries!, count, t_count - count);
        t_count = count;
    }

    /// <summary>Appends a line such as <c>weight = Float32[128, 64]</c>, from the entries of one call.</summary>
    public static void Describe(StringBuilder text, int start, int argument, string name)
    {
        var shown = 0;
        for (var i = start; i < t_count; i++)
        {
            var (tensor, of, length) = t_entries![i];
            if (of != argument) continue;
            if (shown++ == 0) text.Append(CultureInfo.InvariantCulture, $"\n  {name} = {(length == 1 ? "" : $"{length} tensors: ")}");
            else text.Append(", ");
            if (tensor.IsInvalid) text.Append("a freed tensor");
            else
            {
                text.Append(CultureInfo.InvariantCulture, $"{tensor.dtype}[{string.Join(", ", tensor.shape)}]");
                if (tensor.device_type != TorchSharp.DeviceType.CPU) text.Append(CultureInfo.InvariantCulture, $" on {tensor.device}");
            }
            if (shown == ItemsOfAList && length > shown) text.Append(CultureInfo.InvariantCulture, $", … ({length - shown} more)");
        }
    }

    readonly record struct Entry(Tensor Tensor, int Argument, int Length);
}
