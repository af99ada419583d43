using Raijin.Tensors;

namespace Raijin.Repair;

/// <summary>
/// The cure of the native library: <c>libLibTorchSharp.so</c> asks libstdc++ for GLIBCXX_3.4.32 (GCC 13), which Debian 12, Ubuntu 22.04 and
/// RHEL 9 do not have, for the sake of one symbol that no relocation uses. With that one need marked weak the loader goes on without it.
/// </summary>
static class WeakVersion
{
    const string Library = "libstdc++.so.6", Version = "GLIBCXX_3.4.32", OnlySymbol = "_ZSt21ios_base_library_initv";

    /// <summary>The cured bytes, or null when the library needs no cure.</summary>
    /// <exception cref="RepairException">The version is needed for more than the one unused symbol, or the file is malformed.</exception>
    public static byte[]? Cure(byte[] library)
    {
        try
        {
            var image = ElfImage.Parse(library);
            if (image.VersionNeeds.FirstOrDefault(n => n is { Library: Library, Name: Version, IsWeak: false }) is not { Library: not null } need)
                return null;
            RequireUnused(image, need);
            return image.WithWeak(need);
        }
        catch (InvalidDataException e)
        {
            throw new RepairException(e.Message, "TorchSharp's native library", RepairException.DamagedPackage);
        }
    }

    static void RequireUnused(ElfImage image, VersionNeed need)
    {
        foreach (var (index, name) in image.SymbolsOf(need))
        {
            var uses = image.RelocationsOf(index);
            if (name != OnlySymbol || uses > 0)
                throw new RepairException($"{Version} needed for {name}, used by {uses} relocations",
                    $"needed for {OnlySymbol} alone, used by none", RepairException.UnknownPackage);
        }
    }
}
