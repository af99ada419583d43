using System.Diagnostics;
using CsCheck;
using Raijin.Testing;
using static Raijin.Tensors.Tests.Serialization.Pickles.TorchImage;
using static TorchSharp.torch;

namespace Raijin.Tensors.Tests.Serialization.Pickles;

/// <summary>Pickles that would run code, fill the memory or never end: nothing runs, nothing grows, each is refused or stays data.</summary>
public sealed class HostilePickleTests : IDisposable
{
    static readonly string[] Words = ["(", "N", "]", ")", "}", "t", "e", "u", "a", "s", "R", "b", "0", "1", "2", "q\0", "h\0", "\u0085", "\u0081", "\u0093", "\u0094", "cos\nsystem\n", "K\u0003", "\u008c\u0001a", "Q", "\u0091", "d", "l", "o"];

    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    object? Root(byte[] pickle, PickleLimits? limits = null)
    {
        File.WriteAllBytes(_folder["a.pt"], Archive(pickle));
        using var file = TorchFile.Open(_folder["a.pt"], limits);
        return file.Root;
    }

    string Refusal(byte[] pickle, PickleLimits? limits = null) => Assert.Throws<PickleException>(() => Root(pickle, limits)).Message;

    [Fact]
    public void A_call_is_recorded_and_never_made()
    {
        var marker = _folder["ran"];
        foreach (var (module, name) in new[] { ("os", "system"), ("posix", "system"), ("nt", "system"), ("subprocess", "Popen"), ("builtins", "eval"), ("builtins", "exec"), ("builtins", "__import__"), ("torch.storage", "_load_from_bytes"), ("System.Diagnostics.Process", "Start") })
        {
            foreach (var call in new[] { Pickle(Global(module, name), Tuple(Text($"touch {marker}")), "R."), Pickle(Global(module, name), Tuple(Text($"touch {marker}")), (byte)0x81, "."), Pickle("(", Text($"touch {marker}"), $"i{module}\n{name}\n."), Pickle("(", Global(module, name), Text($"touch {marker}"), "o."), Pickle(Text(module), Text(name), (byte)0x93, Tuple(Text($"touch {marker}")), "R.") })
            {
                var recorded = Assert.IsType<PickleObject>(Root(call));
                Assert.Equal($"{module}.{name}", recorded.TypeName);
                Assert.Equal([$"touch {marker}"], recorded.Arguments);
            }
        }
        Assert.False(File.Exists(marker));
    }

    [Fact]
    public void What_a_call_returns_can_be_called_again_and_is_recorded_again()
    {
        // getattr(__import__("os"), "system")("touch x")
        var pickle = Pickle(Global("builtins", "getattr"), "(", Global("builtins", "__import__"), Tuple(Text("os")), "R", Text("system"), "tR", Tuple(Text("touch x")), "R.");
        var outer = Assert.IsType<PickleObject>(Root(pickle));
        var inner = Assert.IsType<PickleObject>(outer.Callable);
        Assert.Equal("builtins.getattr", inner.TypeName);
        Assert.Equal(["touch x"], outer.Arguments);
    }

    [Fact]
    public void Attributes_are_kept_as_data_and_set_on_nothing()
    {
        var pickle = Pickle(Global("m", "C"), ")", (byte)0x81, "}", Text("__class__"), Text("evil"), "s", "b.");
        Assert.Equal("evil", Assert.IsType<PickleObject>(Root(pickle))["__class__"]);
        Assert.Contains("it sets the attributes of a tensor", Refusal(Pickle(Tensor(Storage("0", 8), 0, [8], [1]), "}b.")), StringComparison.Ordinal);
        Assert.Contains("it sets the attributes of the name os.system", Refusal(Pickle(Global("os", "system"), "}b.")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0L, new[] { 9L }, new[] { 1L }, "reaches element 8 of a storage of 8")]
    [InlineData(1L, new[] { 8L }, new[] { 1L }, "reaches element 8")]
    [InlineData(-1L, new[] { 8L }, new[] { 1L }, "begins at element -1")]
    [InlineData(9L, new[] { 0L }, new[] { 1L }, "begins at element 9")]
    [InlineData(0L, new[] { -8L }, new[] { 1L }, "none may be negative")]
    [InlineData(7L, new[] { 8L }, new[] { -1L }, "none may be negative")]
    [InlineData(0L, new[] { 2L }, new[] { long.MaxValue }, "reaches element 9223372036854775807")]
    [InlineData(0L, new[] { 3L, 3L }, new[] { long.MaxValue / 2, long.MaxValue / 2 }, "larger than any file")]
    [InlineData(0L, new[] { 1L << 32, 1L << 32 }, new[] { 0L, 0L }, "larger than any file")]
    [InlineData(0L, new[] { 0L, 1L << 32, 1L << 32 }, new[] { 0L, 0L, 0L }, "larger than any file")]
    [InlineData(0L, new[] { 1L << 40 }, new[] { 0L }, "shows the 8 elements of its storage as 1099511627776")]
    [InlineData(0L, new[] { 8L }, new long[0], "1 dimensions has 0 strides")]
    public void A_tensor_that_reaches_beyond_its_storage_is_refused(long offset, long[] shape, long[] strides, string expected) =>
        Assert.Contains(expected, Refusal(Pickle(Tensor(Storage("0", 8), offset, shape, strides), ".")), StringComparison.Ordinal);

    [Fact]
    public void A_tensor_that_does_not_is_read()
    {
        File.WriteAllBytes(_folder["a.pt"], Archive(Pickle(Tensor(Storage("0", 8), 1, [2, 3], [3, 1]), ".")));
        using var file = TorchFile.Open(_folder["a.pt"]);
        using var tensor = file.Load(Assert.IsType<PickleTensor>(file.Root));
        Assert.Equal([2L, 3L], tensor.shape);
        Assert.Equal(ScalarType.Float32, tensor.dtype);
        Assert.Contains("65 dimensions", Refusal(Pickle(Tensor(Storage("0", 8), 0, new long[65], new long[65]), ".")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_storage_that_is_not_in_the_archive_as_described_is_refused()
    {
        Assert.Contains("storage \"1\" is not in the archive", Refusal(Pickle(Storage("1", 8), ".")), StringComparison.Ordinal);
        Assert.Contains("\"../../etc/passwd\" is not in the archive", Refusal(Pickle(Storage("../../etc/passwd", 8), ".")), StringComparison.Ordinal);
        Assert.Contains("not the 9 elements", Refusal(Pickle(Storage("0", 9), ".")), StringComparison.Ordinal);
        Assert.Contains("not the 8 elements of Float64", Refusal(Pickle(Storage("0", 8, "DoubleStorage"), ".")), StringComparison.Ordinal);
        Assert.Contains("has -8 elements", Refusal(Pickle(Storage("0", -8), ".")), StringComparison.Ordinal);
        Assert.Contains("has 9223372036854775807 elements", Refusal(Pickle(Storage("0", long.MaxValue), ".")), StringComparison.Ordinal);
        Assert.Contains("quantized", Refusal(Pickle(Storage("0", 8, "QInt8Storage"), ".")), StringComparison.Ordinal);
        Assert.Contains("is no storage", Refusal(Pickle(Text("x"), "Q.")), StringComparison.Ordinal);
        Assert.Contains("arguments of other kinds", Refusal(Pickle(Global("torch._utils", "_rebuild_tensor_v2"), ")R.")), StringComparison.Ordinal);
        Assert.Contains("something else than whole numbers", Refusal(Pickle(Global("torch._utils", "_rebuild_tensor"), Tuple(Storage("0", 8), Number(0), Tuple(Text("8")), Tuple(Number(1))), "R.")), StringComparison.Ordinal);
    }

    static readonly (byte[] Pickle, string Expected)[] Broken =
    [
        (Pickle(""), "it ends in the middle of a pickle"),
        (Pickle("N"), "it ends in the middle of a pickle"),
        (Pickle("."), "takes more from the stack"),
        (Pickle("0"), "takes more from the stack"),
        (Pickle("(."), "takes more from the stack"),
        (Pickle("t"), "a mark that is not there"),
        (Pickle("N(NR."), "takes more from the stack"),
        (Pickle("(NNs."), "takes more from the stack"),
        (Pickle("NNs."), "takes more from the stack"),
        (Pickle("NNNs."), "it sets an item of None"),
        (Pickle("}(NNNu."), "a key has no value"),
        (Pickle("NNa."), "it appends to None"),
        (Pickle("N", (byte)0x90), "a mark that is not there"),
        (Pickle("N(", (byte)0x90), "it adds to something that is no set"),
        (Pickle("NN", (byte)0x93), "a name of a module is no text"),
        (Pickle("N)R."), "it calls None with a tuple"),
        (Pickle("]", (byte)')', "R."), "it calls a list with a tuple"),
        (Pickle(Global("os", "system"), "NR."), "it calls the name os.system with None"),
        (Pickle(Global("os", "system"), ")N", (byte)0x92), "it makes an object of"),
        (Pickle("(No."), "something that is no class"),
        (Pickle("(o."), "something that is no class"),
        (Pickle("h", (byte)0), "it recalls 0, which it never kept"),
        (Pickle("j", -1), "it recalls 4294967295"),
        (Pickle("gx\n"), "no place of the memo"),
        (Pickle("q", (byte)0), "takes more from the stack"),
        (Pickle((byte)0x80, (byte)6), "protocol 6"),
        (Pickle((byte)0x95, long.MaxValue), "a frame of 9223372036854775807 bytes"),
        (Pickle((byte)0x95, -1L), "a frame of 18446744073709551615 bytes"),
        (Pickle("T", int.MaxValue), "a text of 2147483647 bytes"),
        (Pickle("T", -1), "a text of -1 bytes"),
        (Pickle("X", 1 << 20), "it asks for 1048576 bytes"),
        (Pickle("B", -1), "a text of 4294967295 bytes"),
        (Pickle((byte)0x8d, long.MaxValue), "a text of 9223372036854775807 bytes"),
        (Pickle((byte)0x8e, -5L), "a text of -5 bytes"),
        (Pickle((byte)0x96, 1L << 40), "a text of 1099511627776 bytes"),
        (Pickle((byte)0x8b, int.MaxValue), "a number of 2147483647 bytes"),
        (Pickle((byte)0x8b, -1), "a number of -1 bytes"),
        (Pickle((byte)0x8c, (byte)1, (byte)0xff), "a text is not encoded"),
        (Pickle("V\\u12\n"), "a text is not encoded"),
        (Pickle("V\\Uffffffff\n"), "a text is not encoded"),
        (Pickle("Sabc\n"), "a text is not encoded"),
        (Pickle("S'\\q'\n"), "a text is not encoded"),
        (Pickle("I1.5\n"), "is no whole number"),
        (Pickle("L1e9L\n"), "is no whole number"),
        (Pickle("Fx\n"), "is no number"),
        (Pickle("I" + new string('9', 1001) + "\n"), "a line has more than 1000 bytes"),
        (Pickle("Px\n"), "refers to something outside by a text"),
        (Pickle((byte)0x82, (byte)1), "registry of extensions"),
        (Pickle((byte)0x83, (byte)1, (byte)0), "registry of extensions"),
        (Pickle((byte)0x84, 1), "registry of extensions"),
        (Pickle((byte)0x97), "buffers that are not in the file"),
        (Pickle((byte)0xff), "instruction ff is unknown"),
        (Pickle(Global("_codecs", "encode"), Tuple([(byte)'X', 2, 0, 0, 0, 0xc4, 0x80], Text("latin1")), "R."), "other characters"),
    ];

    [Fact]
    public void A_broken_pickle_is_refused_and_the_place_named()
    {
        foreach (var (pickle, expected) in Broken)
        {
            var error = Assert.Throws<PickleException>(() => Root(pickle));
            Assert.Contains(expected, error.Message, StringComparison.Ordinal);
            Assert.NotNull(error.Offset);
        }
    }

    [Fact]
    public void Nesting_costs_no_stack()
    {
        var pickle = Pickle(new string('(', 400_000), new string('t', 400_000), ".");
        var depth = 0;
        for (var value = Root(pickle) as PickleTuple; value is not null; value = value.Items is [PickleTuple inner] ? inner : null) depth++;
        Assert.Equal(400_000, depth);
        Assert.Contains("(deeper)", PickleJson.Of(Root(pickle))!.ToJsonString(), StringComparison.Ordinal);
        var tuples = (byte[])[(byte)')', .. Enumerable.Repeat((byte)0x85, 400_000), (byte)'.'];
        Assert.IsType<PickleTuple>(Root(tuples));
    }

    [Fact]
    public void Values_that_are_shared_a_billion_times_stay_small()
    {
        // Each list holds the one before ten times: 10^40 leaves.
        var pickle = new List<byte>(Pickle("]q", (byte)0));
        for (var i = 0; i < 40; i++) pickle.AddRange(Pickle("](", string.Concat(Enumerable.Repeat("h" + (char)i, 10)), "eq", (byte)(i + 1)));
        pickle.Add((byte)'.');
        var json = PickleJson.Of(Root([.. pickle]))!.ToJsonString();
        Assert.True(json.Length < 5_000_000, $"{json.Length} characters");
    }

    [Fact]
    public void Too_many_instructions_and_too_long_texts_are_refused()
    {
        Assert.Contains("more than 1000 instructions", Refusal(Pickle(new string('N', 2000), "."), new() { MaxInstructions = 1000 }), StringComparison.Ordinal);
        Assert.Contains("its pickle has 2001 bytes; at most 1000", Refusal(Pickle(new string('N', 2000), "."), new() { MaxBytes = 1000 }), StringComparison.Ordinal);
        Assert.Contains("a text of 2000 bytes; at most 1000", Refusal(Pickle("X", 2000, new string('a', 2000), "."), new() { MaxTextBytes = 1000 }), StringComparison.Ordinal);
        // A memo entry a few bytes each, at places far apart: it grows with the file and not with the places.
        Assert.Null(Root(Pickle("N", string.Concat(Enumerable.Repeat("r\u00ff\u00ff\u00ff\u00ff", 1000)), ".")));
    }

    [Theory]
    [InlineData("_codecs", "encode", true)]
    [InlineData("builtins", "set", false)]
    [InlineData("collections", "OrderedDict", false)]
    public void Copying_the_same_value_again_and_again_is_refused(string module, string name, bool isText)
    {
        // The value once, then a few bytes for each copy of it.
        var argument = isText ? Tuple([(byte)'X', .. BitConverter.GetBytes(100_000), .. new byte[100_000]], Text("latin1")) : Tuple([(byte)'(', .. Enumerable.Repeat<byte[]>([(byte)'N', (byte)'N', 0x86], 20_000).SelectMany(b => b), (byte)'l']);
        var pickle = Pickle(Global(module, name), "q", (byte)0, "0", argument, "q", (byte)1, "0", string.Concat(Enumerable.Repeat("h\0h\u0001R0", 100_000)), "N.");
        var time = Stopwatch.GetTimestamp();
        Assert.Contains("copies more than", Refusal(pickle), StringComparison.Ordinal);
        Assert.True(Stopwatch.GetElapsedTime(time) < TimeSpan.FromSeconds(30));
    }

    [Fact]
    public void Keys_that_would_collide_do_not_slow_a_dictionary()
    {
        // Numbers whose halves cancel in the usual hash.
        var pickle = new List<byte>(Pickle("}("));
        for (var i = 1L; i <= 60_000; i++) pickle.AddRange([.. Number(i | i << 32), (byte)'N']);
        pickle.AddRange(Pickle("u."));
        var time = Stopwatch.GetTimestamp();
        Assert.Equal(60_000, Assert.IsType<PickleDict>(Root([.. pickle])).Entries.Count);
        Assert.True(Stopwatch.GetElapsedTime(time) < TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void Whatever_bytes_come_they_are_read_or_refused() => Gen.OneOf(
            Gen.Byte.Array[0, 60],
            Gen.Int[0, Words.Length - 1].Select(i => Words[i]).Array[1, 30].Select(p => Pickle(string.Concat(p) + "."))).Sample(pickle =>
    {
        var error = Record.Exception(() => Root(pickle));
        Assert.True(error is null or PickleException, error?.ToString());
    }, iter: 1000, threads: 1);

    [Fact]
    public void A_file_of_torch_with_any_byte_changed_is_read_or_refused()
    {
        foreach (var name in new[] { "values.pt", "values-legacy.pt" })
        {
            var whole = File.ReadAllBytes(TorchFileTests.Recorded(name));
            Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte, Gen.Int[0, 9]).Sample((at, value, cut) =>
            {
                var bytes = whole.ToArray();
                bytes[at] = value;
                File.WriteAllBytes(_folder["b.pt"], cut == 0 ? bytes[..at] : bytes);
                using var scope = NewDisposeScope();
                var error = Record.Exception(() =>
                {
                    using var file = TorchFile.Open(_folder["b.pt"]);
                    if (file.Root is not PickleDict { Entries: var entries }) return;
                    foreach (var tensor in entries.Select(e => e.Value).OfType<PickleDict>().SelectMany(d => d.Entries).Select(e => e.Value).OfType<PickleTensor>()) file.Load(tensor).sum();
                });
                Assert.True(error is null or PickleException, error?.ToString());
            }, iter: 600, threads: 1);
        }
    }
}
