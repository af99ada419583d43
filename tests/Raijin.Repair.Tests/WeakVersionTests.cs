using System.Buffers.Binary;
using System.Text;
using CsCheck;

namespace Raijin.Repair.Tests;

public sealed class WeakVersionTests
{
    static readonly byte[] Stock = StockPackage.Library;

    [Fact]
    public void The_cure_changes_one_bit()
    {
        var cured = WeakVersion.Cure(Stock)!;

        Assert.Equal(Stock.Length, cured.Length);
        var at = Enumerable.Range(0, Stock.Length).Single(i => Stock[i] != cured[i]);
        Assert.Equal(2, Stock[at] ^ cured[at]);
    }

    [Fact]
    public void A_cured_library_needs_no_cure() => Assert.Null(WeakVersion.Cure(WeakVersion.Cure(Stock)!));

    [Fact]
    public void A_library_without_the_need_needs_no_cure()
    {
        // Another name for the version: as if it asked for what every system has.
        var other = Replace("GLIBCXX_3.4.32", "GLIBCXX_3.4.30");
        Assert.Null(WeakVersion.Cure(other));
    }

    [Fact]
    public void A_need_for_another_symbol_is_refused()
    {
        var error = Assert.Throws<RepairException>(() => WeakVersion.Cure(Replace("_ZSt21ios_base_library_initv", "_ZSt21ios_base_library_initw")));

        Assert.Contains("GLIBCXX_3.4.32 needed for _ZSt21ios_base_library_initw, used by 0 relocations", error.Message, StringComparison.Ordinal);
        Assert.Contains("needed for _ZSt21ios_base_library_initv alone", error.Message, StringComparison.Ordinal);
        Assert.Contains("RaijinRepair=none", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_symbol_that_a_relocation_uses_is_refused()
    {
        var used = (byte[])Stock.Clone();
        BinaryPrimitives.WriteUInt32LittleEndian(used.AsSpan(FirstRelocation(used) + 12), SymbolNumber());

        var error = Assert.Throws<RepairException>(() => WeakVersion.Cure(used));

        Assert.Contains("used by 1 relocations", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("MZ this is a Windows library")]
    [InlineData("\u007fELF")]
    public void What_is_no_ELF_library_is_refused(string content)
    {
        var error = Assert.Throws<RepairException>(() => WeakVersion.Cure(Encoding.Latin1.GetBytes(content)));
        Assert.Contains("delete the TorchSharp folder of the package cache", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_truncated_library_is_refused() => Gen.Int[0, Stock.Length - 1].Sample(length => Refused(Stock[..length]), iter: 50);

    /// <summary>Damage in what the parser reads: it may not matter, else it is refused; no other exception, no endless loop.</summary>
    [Fact]
    public void A_damaged_library_is_refused_or_cured()
    {
        var headers = (int)BinaryPrimitives.ReadUInt64LittleEndian(Stock.AsSpan(0x28));
        var needs = (int)BinaryPrimitives.ReadUInt64LittleEndian(SectionHeader(Stock, 0x6ffffffe)[0x18..]);
        var places = Gen.OneOf(Gen.Int[0, 63], Gen.Int[headers, Stock.Length - 1], Gen.Int[needs, needs + 0x210]);
        Gen.Select(places, Gen.Byte).Array[1, 4].Sample(damage =>
        {
            var damaged = (byte[])Stock.Clone();
            foreach (var (place, value) in damage)
                damaged[place] = value;
            try
            {
                _ = WeakVersion.Cure(damaged);
            }
            catch (RepairException)
            {
                // Refused, with a text: the other tests look at it.
            }
        }, iter: 500);
    }

    static bool Refused(byte[] library)
    {
        Assert.Throws<RepairException>(() => WeakVersion.Cure(library));
        return true;
    }

    static byte[] Replace(string name, string by)
    {
        var copy = (byte[])Stock.Clone();
        var at = copy.AsSpan().IndexOf(Encoding.ASCII.GetBytes(name + "\0"));
        Encoding.ASCII.GetBytes(by).CopyTo(copy, at);
        return copy;
    }

    static uint SymbolNumber()
    {
        var image = Tensors.ElfImage.Parse(Stock);
        return image.SymbolsOf(image.VersionNeeds.Single(n => n.Name == "GLIBCXX_3.4.32")).Single().Index;
    }

    static int FirstRelocation(byte[] library) => (int)BinaryPrimitives.ReadUInt64LittleEndian(SectionHeader(library, 4)[0x18..]);

    static ReadOnlySpan<byte> SectionHeader(byte[] library, uint type)
    {
        var headers = (int)BinaryPrimitives.ReadUInt64LittleEndian(library.AsSpan(0x28));
        for (var at = headers; ; at += 64)
            if (BinaryPrimitives.ReadUInt32LittleEndian(library.AsSpan(at + 4)) == type)
                return library.AsSpan(at, 64);
    }
}
