using static TorchSharp.torch;

namespace Raijin.Collectives.Tests.Groups;

/// <summary>What one rank can see to be wrong is refused there, before anything crosses, and the group goes on.</summary>
public sealed class ArgumentTests
{
    public static TheoryData<string, string> Faults => new(Calls.Select(c => (c.Name, c.Message)));

    static readonly (string Name, string Message, Type Error, Action<Group> Call)[] Calls =
    [
        ("a matrix", "buffer: expected a flat tensor: one dimension, contiguous, but it is [2, 3]. Give tensor.view(-1)", typeof(ShapeMismatchException), g => g.AllReduce(zeros(2, 3))),
        ("a scalar", "buffer: expected a flat tensor: one dimension, contiguous, but it is [].", typeof(ShapeMismatchException), g => g.AllReduce(tensor(1f))),
        ("every second element", "but it is [3], not contiguous", typeof(ShapeMismatchException), g => g.AllReduce(zeros(6)[TensorIndex.Slice(step: 2)])),
        ("a freed tensor", "A tensor that was already freed was used.", typeof(ObjectDisposedException), g => { var t = zeros(3); t.Dispose(); g.AllReduce(t); }),
        ("no tensor", "buffer", typeof(ArgumentNullException), g => g.AllReduce(null!)),
        ("a complex type", "buffer is ComplexFloat32, which does not cross between ranks: convert it to a real type.", typeof(ArgumentException), g => g.AllReduce(zeros(3, ScalarType.ComplexFloat32))),
        ("a tensor elsewhere", "buffer is on meta, but group world moves what is on CPU (InProcess): move it there first.", typeof(ArgumentException), g => g.AllReduce(zeros(3, device: META))),
        ("truth values to reduce", "buffer is Bool, which is not reduced: convert it to Byte", typeof(ArgumentException), g => g.AllReduce(zeros(3, ScalarType.Bool))),
        ("a mean of whole numbers", "A mean of Int32 has no exact result", typeof(ArgumentException), g => g.AllReduce(zeros(3, ScalarType.Int32), ReduceOp.Mean)),
        ("a reduction that is none", "No such reduction.", typeof(ArgumentOutOfRangeException), g => g.AllReduce(zeros(3), (ReduceOp)9)),
        ("a wire for whole numbers", "buffer is Int64 and can't cross as BFloat16: only Float32 crosses in another type", typeof(ArgumentException), g => g.AllReduce(zeros(3, ScalarType.Int64), wire: ScalarType.BFloat16)),
        ("a wire that is wider", "buffer is Float32 and can't cross as Float64", typeof(ArgumentException), g => g.AllReduce(zeros(3), wire: ScalarType.Float64)),
        ("a root that is none", "Group world has ranks 0 to 1.", typeof(ArgumentOutOfRangeException), g => g.Broadcast(zeros(3), 2)),
        ("a negative root", "Group world has ranks 0 to 1.", typeof(ArgumentOutOfRangeException), g => g.Reduce(zeros(3), -1)),
        ("an odd size for two", "5 elements of output are not divisible among 2 ranks of group world: give the counts, or pad.", typeof(ArgumentException), g => g.AllGather(zeros(2), zeros(5))),
        ("a part too long", "input of rank 0 of 2 has 3 elements, but its share of the 4 of output is 2.", typeof(ArgumentException), g => g.AllGather(zeros(3), zeros(4))),
        ("a part of another type", "input is Float32, but output is Int32: they must be of one type.", typeof(ArgumentException), g => g.ReduceScatter(zeros(4), zeros(2, ScalarType.Int32))),
        ("counts of three for two", "The counts [1, 1, 2] do not divide the 4 elements of output among 2 ranks", typeof(ArgumentException), g => g.AllGather(zeros(1), zeros(4), [1, 1, 2])),
        ("a negative count", "The counts [-1, 5] do not divide", typeof(ArgumentException), g => g.ReduceScatter(zeros(4), zeros(1), counts: [-1, 5])),
        ("counts that overflow", "do not divide", typeof(ArgumentException), g => g.AllGather(zeros(1), zeros(4), [long.MaxValue, long.MaxValue])),
        ("counts of less than all", "The counts [1, 2] do not divide the 4 elements of input", typeof(ArgumentException), g => g.Scatter(zeros(4), zeros(1), 0, [1, 2])),
        ("a root without its whole", "Rank 0 is the root and gives no output: it is the root's alone.", typeof(ArgumentException), g => g.Gather(zeros(4), null, 0)),
        ("a whole away from the root", "Rank 0 is not the root (that is 1) and gives an input: it is the root's alone.", typeof(ArgumentException), g => g.Scatter(zeros(4), zeros(2), 1)),
        ("an exchange in place", "An all-to-all does not work in place", typeof(ArgumentException), g => { var t = zeros(4); g.AllToAll(t, t); }),
        ("an exchange of two types", "input is Float32, but output is Float64", typeof(ArgumentException), g => g.AllToAll(zeros(4), zeros(4, ScalarType.Float64))),
        ("an exchange with itself that does not fit", "Rank 0 gives itself 1 elements, but takes 2 from itself.", typeof(ArgumentException), g => g.AllToAll(zeros(4), zeros(4), [1, 3], [2, 2])),
        ("a message to itself", "Rank 0 can't exchange a message with itself: copy the tensor.", typeof(ArgumentException), g => g.Send(zeros(4), 0)),
        ("a message from nobody", "Group world has ranks 0 to 1.", typeof(ArgumentOutOfRangeException), g => g.Receive(zeros(4), 7)),
        ("a part without itself", "Rank 0 of group world is not in the part it asks for, [1].", typeof(ArgumentException), g => g.Split([1], "part")),
        ("a part with a rank twice", "[0, 0] are not different ranks of group world, which has 2.", typeof(ArgumentException), g => g.Split([0, 0], "part")),
        ("a part without a name", "name", typeof(ArgumentException), g => g.Split([0], "")),
        ("a negative allocation", "numElements", typeof(ArgumentOutOfRangeException), g => g.Allocate(-1, ScalarType.Float32)),
        ("an allocation of a type that does not cross", "ComplexFloat64", typeof(ArgumentException), g => g.Allocate(4, ScalarType.ComplexFloat64)),
    ];

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_wrong_argument_is_refused_and_the_group_goes_on(string name, string message)
    {
        var (_, _, type, call) = Calls.Single(c => c.Name == name);
        World.Run(2, world =>
        {
            using var scope = TensorScope.Open();
            if (world.Rank == 0)
            {
                var error = Assert.Throws(type, () => call(world.Group));
                Assert.Contains(message, error.Message, StringComparison.Ordinal);
            }
            var sum = ones(3);
            world.Group.AllReduce(sum);
            Assert.Equal(6, sum.sum().item<float>());
        });
    }

    [Fact]
    public void A_wire_of_the_tensors_own_type_is_none() => World.Run(2, world =>
    {
        using var scope = TensorScope.Open();
        var sum = ones(3, ScalarType.Int32);
        world.Group.AllReduce(sum, wire: ScalarType.Int32);
        Assert.Equal(12, world.Group.Traffic.Bytes(CollectiveKind.AllReduce));
    });

    [Fact]
    public void All_faults_of_the_options_are_told()
    {
        var error = Assert.Throws<InvalidOptionsException>(() => World.Single(new() { Deadline = TimeSpan.Zero, LogLength = -1 }));
        Assert.Equal(["group.deadline", "group.logLength"], error.Faults.Select(f => f.Key));
    }

    [Fact]
    public void A_disposed_group_says_so()
    {
        var world = World.Single();
        world.Dispose();
        Assert.Throws<ObjectDisposedException>(() => world.Group.Barrier());
        Assert.Throws<ObjectDisposedException>(() => world.Group.Allocate(3, ScalarType.Float32));
        Assert.Throws<ObjectDisposedException>(() => world.Group.Split([0], "part"));
        world.Group.Abort("too late to tell anybody");
        world.Dispose();
    }
}
