// What ranks say to each other, without any training: four threads, each a rank, that all make the same calls in the same order. In processes (World.Join) the rest is the same.
//   dotnet run -c Release --project samples/21_collectives

using System.Text.Json.Serialization;
using Raijin;
using Raijin.Collectives;
using static TorchSharp.torch;

// Each rank returns what it has to say, so that it is read in order.
foreach (var report in World.Run(4, Talk)) Console.WriteLine(report);

static string Talk(World world)
{
    using var scope = TensorScope.Open();
    var (group, rank, size) = (world.Group, world.Rank, world.Size);
    var says = new List<string>();

    // What one knows, all know: an object of your own, as JSON.
    var setup = group.BroadcastObject(rank == 0 ? new Setup("talk", Length: 8) : null, root: 0, SetupJson.Default.Setup);
    says.Add($"rank {rank} of {size}, run {setup.Run}, beside {string.Join(", ", group.AllGatherText($"rank {rank}"))}");

    // Everybody's numbers, added: 0 + 1 + 2 + 3 everywhere.
    var sum = full(setup.Length, rank, ScalarType.Float32);
    group.AllReduce(sum);
    says.Add($"all-reduce       {Text(sum)}");

    // The same sum, of which each rank gets its part alone; and the parts brought together, which is an all-reduce in two halves. A part may lie in its whole.
    var parts = arange(setup.Length, ScalarType.Float32) + 10 * rank;
    var mine = parts.narrow(0, rank * setup.Length / size, setup.Length / size);
    group.ReduceScatter(parts, mine, ReduceOp.Mean);
    says.Add($"reduce-scatter   {Text(mine)}");
    group.AllGather(mine, parts);
    says.Add($"all-gather       {Text(parts)}");

    // Beside other work: the call is under way while something else is computed.
    using var buffer = group.Allocate(setup.Length, ScalarType.Float32);  // Where the ranks reach it without a copy.
    buffer.fill_(rank);
    var work = group.AllReduceAsync(buffer, ReduceOp.Max);
    var meanwhile = arange(1000, ScalarType.Float64).sum().item<double>();
    work.Wait();
    says.Add($"meanwhile        {meanwhile}, then the largest rank: {Text(buffer)}");

    // Ranks 0, 1 and 2, 3 divide a model's layers; 0, 2 and 1, 3 hold the same part of it and see other samples. Each talks to those of its own row or column.
    using var mesh = new DeviceMesh(group, ("data", 2), ("tensor", 2));
    var (row, column) = (full(1, rank, ScalarType.Float32), full(1, rank, ScalarType.Float32));
    mesh["tensor"].AllReduce(row);
    mesh["data"].AllReduce(column);
    says.Add($"{mesh.Shape}  at data {mesh.Coordinate("data")}, tensor {mesh.Coordinate("tensor")}: {Text(row)} along tensor, {Text(column)} along data");

    // In a ring, from neighbour to neighbour. Who sends first must not wait for it.
    var (message, heard) = (full(1, rank, ScalarType.Int64), zeros(1, ScalarType.Int64));
    var sent = group.SendAsync(message, (rank + 1) % size);
    group.Receive(heard, (rank + size - 1) % size);
    sent.Wait();
    says.Add($"heard            {heard.item<long>()}");

    // Decided together, or some would leave and the others wait for them.
    var isTired = group.AnyRank(rank == 2);
    says.Add($"somebody tired   {isTired}; {group.Traffic.TotalCalls} calls so far");
    return string.Join("\n  ", says);
}

static string Text(Tensor values) => string.Join(' ', values.data<float>().ToArray());

sealed record Setup(string Run, int Length);

[JsonSerializable(typeof(Setup))]
sealed partial class SetupJson : JsonSerializerContext;
