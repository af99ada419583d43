using System.Xml.Linq;

namespace Raijin.House.Tests;

public sealed class FloorsTests
{
    static readonly Dictionary<string, int> Floors = new()
    {
        ["Raijin.Tensors"] = 1,
        ["Raijin.Collectives"] = 2,
        ["Raijin.Models"] = 2,
        ["Raijin.Data"] = 2,
        ["Raijin.Charts"] = 2,
        ["Raijin.Parallel"] = 3,
        ["Raijin.Metrics"] = 3,
        ["Raijin.Training"] = 4,
        ["Raijin.Inference"] = 4,
        ["Raijin.DeepSpeed"] = 5,
        ["Raijin.Server"] = 5,
        ["Raijin.App"] = 6,
        ["Raijin.Cli"] = 7,
    };

    public static TheoryData<string> Projects => [.. Tree.Files("src", ".csproj")];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_references_only_floors_below_it(string project)
    {
        var name = Path.GetFileNameWithoutExtension(project);
        Assert.True(Floors.ContainsKey(name), $"{name} has no floor: give it one in docs and here.");
        foreach (var reference in References(project))
        {
            // Build tools are run by the build and not referenced as code.
            if (!reference.StartsWith("../", StringComparison.Ordinal) || reference.Contains("/eng/", StringComparison.Ordinal)) continue;
            var other = Path.GetFileNameWithoutExtension(reference);
            Assert.True(Floors[other] < Floors[name], $"{name} (floor {Floors[name]}) references {other} (floor {Floors[other]}): only floors below are allowed.");
        }
    }

    [Fact]
    public void Only_tensors_and_transports_hold_unsafe_code()
    {
        var offenders = Tree.Files("src", ".csproj").Where(p => !p.Contains("Raijin.Tensors") && !p.Contains("Raijin.Collectives") && Tree.Read(p).Contains("AllowUnsafeBlocks"));
        Assert.Empty(offenders);
    }

    static IEnumerable<string> References(string project) =>
        XDocument.Parse(Tree.Read(project)).Descendants("ProjectReference").Select(r => r.Attribute("Include")!.Value.Replace('\\', '/'));
}
