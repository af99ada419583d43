namespace Raijin.Tensors.Tests;

public sealed class AtenSchemaTests
{
    [Fact]
    public void Reads_the_notation_of_native_functions()
    {
        var schema = AtenSchema.Parse(
            "aten::f.out(Tensor(a!) self, Tensor?[] indices, SymInt[2]? size=[1, 2], *, float? scale=None, str how='a, b', Tensor(b!)[] out) -> (Tensor(a!) values, int)");
        Assert.Equal("aten::f.out", schema.Name);
        Assert.Equal(
            ["Tensor self", "Tensor?[] indices", "int[]? size", "float? scale", "str how", "Tensor[] out"],
            schema.Arguments.Select(a => a.ToString()));
        Assert.Equal(["Tensor", "int"], schema.Returns.Select(r => r.ToString()));
    }

    [Fact]
    public void An_op_without_arguments_or_returns_needs_one_slot()
    {
        var schema = AtenSchema.Parse("aten::f() -> ()");
        Assert.Empty(schema.Arguments);
        Assert.Empty(schema.Returns);
        Assert.Equal(1, schema.NumSlots);
    }

    [Theory]
    [InlineData("aten::f")]
    [InlineData("aten::f(Tensor self)")]
    [InlineData("aten::f(Tensor) -> ()")]
    [InlineData("(Tensor self) -> ()")]
    [InlineData("aten::f(Tensor(a! self) -> ()")]
    public void Text_that_is_no_signature_is_refused(string text) => Assert.Throws<FormatException>(() => AtenSchema.Parse(text));

    [Fact]
    public void The_registry_knows_each_op_that_TorchSharp_programs_use()
    {
        Assert.SkipUnless(OpRegistry.CanRead, "this platform's libtorch does not show its registry");
        Assert.Equal("aten::mm(Tensor self, Tensor mat2) -> Tensor", OpRegistry.Read("aten::mm", ""));
        Assert.Null(OpRegistry.Read("aten::no_such_op", ""));
        Assert.Null(OpRegistry.Read("aten::add", "NoSuchOverload"));
    }
}
