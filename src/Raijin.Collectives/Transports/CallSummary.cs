using System.Globalization;
using System.Text;
using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>A call without its tensors: what a log keeps of it, and what ranks compare.</summary>
/// <param name="Kind">What is done.</param>
/// <param name="Op">How values are reduced.</param>
/// <param name="DType">The tensors' type; null where there are none.</param>
/// <param name="Wire">The type in which values cross, where it is another.</param>
/// <param name="Peer">The root, the destination or the source; -1 where there is none.</param>
/// <param name="InputLength">Elements this rank gives; -1 where it gives nothing.</param>
/// <param name="OutputLength">Elements this rank gets; -1 where it gets nothing.</param>
readonly record struct CallSummary(CollectiveKind Kind, ReduceOp Op, ScalarType? DType, ScalarType? Wire, int Peer, long InputLength, long OutputLength)
{
    public static CallSummary Of(in Collective call) =>
        new(call.Kind, call.Op, (call.Output ?? call.Input)?.dtype, call.Wire, call.Peer, call.Input?.NumberOfElements ?? -1, call.Output?.NumberOfElements ?? -1);

    public bool IsReduction => Kind is CollectiveKind.AllReduce or CollectiveKind.Reduce or CollectiveKind.ReduceScatter;

    public bool IsMessage => Kind is CollectiveKind.Send or CollectiveKind.Receive;

    /// <summary>As one line: <c>AllReduce Sum of 1,000 × Float32 over BFloat16</c>.</summary>
    public string Describe()
    {
        var text = new StringBuilder(Kind.ToString());
        if (IsReduction) text.Append(CultureInfo.InvariantCulture, $" {Op}");
        if (DType is { } dtype)
        {
            var lengths = (InputLength, OutputLength) switch
            {
                ( < 0, var output) => $"{output:N0}",
                (var input, < 0) => $"{input:N0}",
                var (input, output) when input == output => $"{input:N0}",
                var (input, output) => $"{input:N0} → {output:N0}",
            };
            text.Append(CultureInfo.InvariantCulture, $" of {lengths} × {dtype}");
        }
        if (Wire is { } wire) text.Append(CultureInfo.InvariantCulture, $" over {wire}");
        if (Peer >= 0) text.Append(CultureInfo.InvariantCulture, $"{PeerWord}{Peer}");
        return text.ToString();
    }

    string PeerWord => Kind switch
    {
        CollectiveKind.Send => " to rank ",
        CollectiveKind.Receive => " from rank ",
        _ => " at root ",
    };
}
