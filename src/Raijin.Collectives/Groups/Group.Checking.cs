using System.Globalization;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Raijin.Collectives;

/// <summary>With <see cref="GroupOptions.CheckCalls"/>: before ranks do something together they compare what it is.</summary>
public sealed partial class Group
{
    /// <summary>Waits for the calls under way, then compares this one with the other ranks'.</summary>
    void CheckTogether(CallRow mine)
    {
        var exchange = _check!.Exchange(mine, _numCollectives + _numChecks++);
        Finish(Start(exchange, mine.Call, _numCollectives, ticket: -1), CancellationToken.None);
        var rows = _check.Rows();
        if (CallComparison.Difference(rows) is not { } difference) return;
        // Every rank has the same rows, and throws the same.
        var error = new CollectiveMismatchException(MismatchText(rows, difference)) { Group = Name, Kind = mine.Call.Kind, Sequence = _numCollectives };
        Break(error);
        throw error;
    }

    string MismatchText(IReadOnlyList<CallRow> rows, string difference)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"The calls of the ranks of group {Name} part at number {_numCollectives}: {difference}.\n");
        for (var rank = 0; rank < Size; rank++) text.Append(CultureInfo.InvariantCulture, $"  rank {Named(rank)}  {rows[rank].Describe()}\n");
        text.Append(CultureInfo.InvariantCulture, $"Every rank must make the same calls in the same order. What came before was alike; the last calls of rank {Named(Rank)}:\n{_log.Describe()}");
        return text.ToString();
    }

    /// <summary>Sends what the message is, and does not wait for it.</summary>
    void CheckSend(in Collective call, in CallSummary signature)
    {
        var row = tensor(CallRow.Of(call, signature).Write(Size), ScalarType.Int64).DetachFromDisposeScope();
        if (call.Input!.device_type != DeviceType.CPU)
        {
            using var host = row;
            row = host.to(call.Input.device).DetachFromDisposeScope();
        }
        ref var number = ref _sent[call.Peer];
        Start(new(CollectiveKind.Send, number, row, null, Peer: call.Peer), signature, number, ticket: -1, owned: row);
        number++;
    }

    /// <summary>Waits for what the sender says the message is.</summary>
    void CheckReceive(in Collective call, in CallSummary signature)
    {
        using var row = zeros(CallRow.Length(Size), ScalarType.Int64, call.Output!.device);
        ref var number = ref _received[call.Peer];
        Finish(Start(new(CollectiveKind.Receive, number, null, row, Peer: call.Peer), signature, number, ticket: -1), CancellationToken.None);
        number++;
        using var host = row.cpu();
        var sent = CallRow.Read(host.data<long>().ToArray(), Size).Call;
        if (sent.DType == signature.DType && sent.InputLength == signature.OutputLength) return;
        var error = new CollectiveMismatchException($"A message of group {Name} does not fit: rank {Named(call.Peer)} makes {sent.Describe()}, rank {Named(Rank)} makes {signature.Describe()}.") { Group = Name, Kind = CollectiveKind.Receive, Sequence = number };
        Fail(error);
        throw error;
    }
}
