using static TorchSharp.torch;

namespace Raijin.Data.Tests.Batches;

public sealed class CollatePadTests
{
    [Fact]
    public void Rows_are_filled_up_to_the_longest_with_lengths_and_mask()
    {
        using var scope = TensorScope.Open();
        var batch = Collate.Pad<long>([[1, 2, 3], [], [4]], value: -1);
        Assert.Equal([3, 3], batch.Inputs.shape);
        Assert.Equal([1, 2, 3, -1, -1, -1, 4, -1, -1], batch.Inputs.data<long>().ToArray());
        Assert.Equal([3, 0, 1], batch.Lengths.data<long>().ToArray());
        Assert.Equal([true, true, true, false, false, false, true, false, false], batch.Mask.data<bool>().ToArray());
        Assert.Equal(3, batch.Count);
    }

    [Fact]
    public void The_length_is_rounded_up_to_a_multiple()
    {
        using var scope = TensorScope.Open();
        var batch = Collate.Pad<float>([[1, 2, 3], [4]], multipleOf: 4);
        Assert.Equal([1, 2, 3, 0, 4, 0, 0, 0], batch.Inputs.data<float>().ToArray());
        Assert.Equal(ScalarType.Float64, batch.Map(tensor => tensor.to(ScalarType.Float64)).Lengths.dtype);
        Assert.Throws<ArgumentOutOfRangeException>(() => Collate.Pad<float>([]));
    }
}
