using System.Buffers.Binary;
using System.Text;

namespace Raijin.Tensors;

/// <summary>
/// The part of a 64-bit little-endian ELF file that symbol versions live in: version needs, dynamic symbols and relocations.
/// Every offset and size comes from the file and is checked before use; a bad one is an <see cref="InvalidDataException"/>.
/// The build step that repairs TorchSharp compiles this file too.
/// </summary>
/// <remarks>Source: the System V gABI, chapters 4 and 5; symbol versioning in the LSB Core specification, §10.7.</remarks>
sealed class ElfImage
{
    const uint SectionRela = 4, SectionRel = 9, SectionDynamicSymbols = 11, SectionVersionNeeds = 0x6ffffffe, SectionVersionSymbols = 0x6fffffff;
    const int SectionHeaderSize = 64, SymbolSize = 24, RelaSize = 24, RelSize = 16, NeedSize = 16, NeedVersionSize = 16;

    readonly byte[] bytes;
    readonly Section[] sections;

    ElfImage(byte[] bytes)
    {
        this.bytes = bytes;
        sections = ReadSections();
        VersionNeeds = ReadVersionNeeds();
    }

    /// <summary>Every version this file asks of another library, in file order.</summary>
    public IReadOnlyList<VersionNeed> VersionNeeds { get; }

    /// <exception cref="InvalidDataException">The bytes are not a well-formed 64-bit little-endian ELF shared library.</exception>
    public static ElfImage Parse(byte[] bytes)
    {
        ReadOnlySpan<byte> magic = [0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1];
        if (!bytes.AsSpan().StartsWith(magic))
            throw Malformed("no 64-bit little-endian ELF header");
        return new ElfImage(bytes);
    }

    /// <summary>The indices and names of the dynamic symbols bound to a version.</summary>
    public IEnumerable<(uint Index, string Name)> SymbolsOf(VersionNeed need)
    {
        if (Find(SectionVersionSymbols) is not { } versions || Find(SectionDynamicSymbols) is not { } symbols)
            throw Malformed("no dynamic symbol table, or one without versions");
        if (versions.Size / 2 != symbols.Size / SymbolSize)
            throw Malformed($"{versions.Size / 2} symbol versions for {symbols.Size / SymbolSize} symbols");
        var names = Linked(symbols);
        for (uint i = 0; i < symbols.Size / SymbolSize; i++)
        {
            const ushort hidden = 0x8000;
            if ((UInt16(versions.Offset + 2L * i) & ~hidden) == need.Index)
                yield return (i, Text(names, UInt32(symbols.Offset + (long)SymbolSize * i)));
        }
    }

    /// <summary>Names that some library, whichever, must define before this one loads: undefined, not weak, bound to no version.</summary>
    public IEnumerable<string> UnversionedImports()
    {
        if (Find(SectionDynamicSymbols) is not { } symbols)
            throw Malformed("no dynamic symbol table");
        var names = Linked(symbols);
        var versions = Find(SectionVersionSymbols);
        // The first symbol is a placeholder.
        for (var i = 1; i < symbols.Size / SymbolSize; i++)
        {
            var at = symbols.Offset + (long)SymbolSize * i;
            const int global = 1, local = 1;
            var binding = Slice(at + 4, 1)[0] >> 4;
            var versioned = versions is { } table && (UInt16(table.Offset + 2L * i) & 0x7fff) > local;
            if (UInt16(at + 6) == 0 && binding == global && !versioned)
                yield return Text(names, UInt32(at));
        }
    }

    /// <summary>How many relocations refer to a dynamic symbol: the times the loader would have to resolve it.</summary>
    public int RelocationsOf(uint symbol)
    {
        var count = 0;
        foreach (var section in sections)
        {
            if (section.Type is not (SectionRela or SectionRel))
                continue;
            var entry = section.Type == SectionRela ? RelaSize : RelSize;
            for (long at = section.Offset; at + entry <= section.Offset + section.Size; at += entry)
                if ((uint)(UInt64(at + 8) >> 32) == symbol)
                    count++;
        }
        return count;
    }

    /// <summary>A copy of the file in which the loader may leave this version unsatisfied. One bit differs.</summary>
    public byte[] WithWeak(VersionNeed need)
    {
        var copy = (byte[])bytes.Clone();
        copy[need.FlagsOffset] |= VersionNeed.WeakFlag;
        return copy;
    }

    Section[] ReadSections()
    {
        var table = UInt64(0x28);
        int size = UInt16(0x3A), count = UInt16(0x3C);
        if (size != SectionHeaderSize || count == 0)
            throw Malformed($"{count} section headers of {size} bytes");
        Check(table, (ulong)count * SectionHeaderSize, "section headers");

        var found = new Section[count];
        for (var i = 0; i < count; i++)
        {
            var at = (long)table + (long)i * SectionHeaderSize;
            var type = UInt32(at + 4);
            ulong offset = UInt64(at + 0x18), length = UInt64(at + 0x20);
            const uint occupiesNoSpace = 8;
            if (type != occupiesNoSpace && type != 0)
                Check(offset, length, $"section {i}");
            found[i] = new Section(type, (long)offset, (long)length, UInt32(at + 0x28));
        }
        return found;
    }

    List<VersionNeed> ReadVersionNeeds()
    {
        List<VersionNeed> found = [];
        if (Find(SectionVersionNeeds) is not { } section)
            return found;
        var names = Linked(section);
        long end = section.Offset + section.Size, need = section.Offset;
        while (true)
        {
            CheckEntry(need, NeedSize);
            int versions = UInt16(need + 2);
            var library = Text(names, UInt32(need + 4));
            var version = need + UInt32(need + 8);
            for (var i = 0; i < versions; i++)
            {
                CheckEntry(version, NeedVersionSize);
                found.Add(new VersionNeed(library, Text(names, UInt32(version + 8)), UInt16(version + 6), UInt16(version + 4), (int)version + 4));
                version += Step(UInt32(version + 12), last: i == versions - 1);
            }
            var next = UInt32(need + 12);
            if (next == 0)
                return found;
            need += Step(next, last: false);
        }

        void CheckEntry(long at, int size)
        {
            if (at < section.Offset || at + size > end)
                throw Malformed($"a version entry at {at:x} outside its section");
        }

        // A step of nothing would loop for ever on a damaged file.
        static uint Step(uint bytes, bool last) => bytes == 0 && !last ? throw Malformed("a version list that does not advance") : bytes;
    }

    Section? Find(uint type)
    {
        foreach (var section in sections)
            if (section.Type == type)
                return section;
        return null;
    }

    Section Linked(Section section) =>
        section.Link < sections.Length ? sections[section.Link] : throw Malformed($"a section linked to number {section.Link} of {sections.Length}");

    string Text(Section table, uint offset)
    {
        if (offset >= table.Size)
            throw Malformed($"a name at {offset} of a string table of {table.Size} bytes");
        var rest = bytes.AsSpan((int)(table.Offset + offset), (int)(table.Size - offset));
        var length = rest.IndexOf((byte)0);
        return length < 0 ? throw Malformed("a name without an end") : Encoding.UTF8.GetString(rest[..length]);
    }

    void Check(ulong offset, ulong size, string what)
    {
        if (offset > (ulong)bytes.Length || size > (ulong)bytes.Length - offset)
            throw Malformed($"{what} at {offset} + {size} of a file of {bytes.Length} bytes");
    }

    ReadOnlySpan<byte> Slice(long offset, int size)
    {
        Check((ulong)offset, (ulong)size, "a field");
        return bytes.AsSpan((int)offset, size);
    }

    ushort UInt16(long offset) => BinaryPrimitives.ReadUInt16LittleEndian(Slice(offset, 2));
    uint UInt32(long offset) => BinaryPrimitives.ReadUInt32LittleEndian(Slice(offset, 4));
    ulong UInt64(long offset) => BinaryPrimitives.ReadUInt64LittleEndian(Slice(offset, 8));

    static InvalidDataException Malformed(string given) => new($"not a well-formed 64-bit little-endian ELF library: {given}");

    readonly record struct Section(uint Type, long Offset, long Size, uint Link);
}

/// <summary>One entry of <c>.gnu.version_r</c>.</summary>
/// <param name="Library">The library that must define the version, by soname.</param>
/// <param name="Name">The version, such as <c>GLIBCXX_3.4.32</c>.</param>
/// <param name="Index">The number under which <c>.gnu.version</c> refers to it.</param>
/// <param name="Flags">Bit 1: weak, the loader goes on without it.</param>
/// <param name="FlagsOffset">Where the flags stand in the file.</param>
readonly record struct VersionNeed(string Library, string Name, ushort Index, ushort Flags, int FlagsOffset)
{
    public const byte WeakFlag = 2;

    public bool IsWeak => (Flags & WeakFlag) != 0;
}
