using Raijin.Collectives;

namespace Raijin.Training;

/// <summary>Finds the ranks that a program is one of.</summary>
static class RankWorld
{
    /// <summary>The ranks to train with: those given, those a launcher started, those started now; null for one rank alone that divides nothing.</summary>
    /// <exception cref="InvalidOptionsException">There are other ranks than the options ask for.</exception>
    public static World? Of(RankOptions options, World? given, string section)
    {
        var world = given;
        if (world is not null && options.Devices > 1 && options.Devices != world.Size)
            InvalidOptionsException.ThrowIfAny([new($"{section}.devices", $"= {options.Devices}, but {world.Size} ranks are there: leave it out, or start as many")]);
        return world;
    }
}
