namespace Raijin.Tensors.Tests;

public sealed class SafetensorsHeaderTests
{
    [Fact]
    public void A_header_gives_names_shapes_and_places_in_the_order_of_the_bytes()
    {
        var header = SafetensorsImage.Parse(SafetensorsImage.Of(
            """{"b":{"dtype":"I16","shape":[2,2],"data_offsets":[4,12]},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"__metadata__":{"format":"pt"}}   """, 12));
        var start = header.DataOffset;
        Assert.Equal([("a", "F32", start, 4), ("b", "I16", start + 4, 8)], header.Entries.Select(e => (e.Name, e.Dtype, e.Offset, (int)e.Bytes)));
        Assert.Empty(header.Entries[0].Shape);
        Assert.Equal([2, 2], header.Entries[1].Shape);
        Assert.Equal("pt", header.Metadata["format"]);
    }

    [Theory]
    [InlineData("{}", 0)]
    [InlineData("""{"__metadata__":{}}""", 0)]
    [InlineData("""{"":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1)]
    [InlineData("""{"empty":{"dtype":"F32","shape":[0,7],"data_offsets":[0,0]},"full":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4)]
    [InlineData("""{"full":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"empty":{"dtype":"F32","shape":[0],"data_offsets":[4,4]}}""", 4)]
    [InlineData("""{"x":{"data_offsets":[0,8],"shape":[1],"dtype":"C64"}}""", 8)]
    public void Unusual_but_right_headers_are_read(string json, int dataBytes) => SafetensorsImage.Parse(SafetensorsImage.Of(json, dataBytes));

    [Theory]
    [InlineData("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "takes 8")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 3, "not inside the 3 bytes")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 5, "belong to no tensor")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 4, "not inside")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}""", 4, "whole numbers")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}""", 4, "more than 2")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0]}}""", 4, "needs dtype")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}""", 4, "whole numbers")]
    [InlineData("""{"x":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}""", 4, "whole numbers")]
    [InlineData("""{"x":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}}""", 4, "whole numbers")]
    [InlineData("""{"x":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}""", 0, "larger than any file")]
    [InlineData("""{"x":{"dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,0]}}""", 0, "larger than any file")]
    [InlineData("""{"x":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}""", 4, "F31")]
    [InlineData("""{"x":{"dtype":1,"shape":[1],"data_offsets":[0,4]}}""", 4, "expected String")]
    [InlineData("""{"x":{"dtype":"F32","data_offsets":[0,4]}}""", 4, "needs dtype")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"stride":[1]}}""", 4, "stride")]
    [InlineData("""{"x":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "there twice")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "there twice")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"y":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}""", 6, "overlap those before them by 2")]
    [InlineData("""{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"y":{"dtype":"U8","shape":[1],"data_offsets":[3,4]}}""", 4, "2 bytes before it")]
    [InlineData("""{"x":[]}""", 0, "expected StartObject")]
    [InlineData("""{"x":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}}""", 4, "JSON")]
    [InlineData("""{"__metadata__":{"a":1}}""", 0, "expected String")]
    [InlineData("""{"__metadata__":{"a":"1","a":"2"}}""", 0, "there twice")]
    [InlineData("""{"__metadata__":{},"__metadata__":{}}""", 0, "there twice")]
    [InlineData("""{"\ud800":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1, "not Unicode")]
    [InlineData("""{} {}""", 0, "JSON")]
    [InlineData("""[1]""", 0, "begin with '{'")]
    [InlineData("""{"x":""", 0, "JSON")]
    [InlineData("""{/**/}""", 0, "JSON")]
    public void A_wrong_field_is_refused_with_the_reason(string json, int dataBytes, string reason)
    {
        var error = Assert.Throws<SafetensorsException>(() => SafetensorsImage.Parse(SafetensorsImage.Of(json, dataBytes)));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.Equal("image", error.File);
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(1UL)]
    [InlineData(13UL)]
    [InlineData(100_000_001UL)]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 63)]
    public void An_announced_length_is_checked_before_it_is_believed(ulong announced)
    {
        var image = SafetensorsImage.Of("{}          ", 0);
        BitConverter.TryWriteBytes(image, announced);
        Assert.Throws<SafetensorsException>(() => SafetensorsImage.Parse(image));
    }

    [Fact]
    public void The_error_names_the_tensor_and_the_place()
    {
        var error = Assert.Throws<SafetensorsException>(() => SafetensorsImage.Parse(SafetensorsImage.Of("""{"net.weight":{"dtype":"F32","shape":[3],"data_offsets":[0,4]}}""", 4)));
        Assert.Equal("net.weight", error.Key);
        Assert.NotNull(error.Offset);
        Assert.Equal("""image, "net.weight" (at byte 69): its data_offsets [0, 4] span 4 bytes, but [3] F32 takes 12.""", error.Message);
    }
}
