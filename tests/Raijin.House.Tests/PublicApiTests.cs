using System.Reflection;
using PublicApiGenerator;
using Raijin.Testing;

namespace Raijin.House.Tests;

public sealed class PublicApiTests
{
    public static TheoryData<string> Assemblies => ["Raijin.Tensors", "Raijin.Data", "Raijin.Collectives", "Raijin.Models", "Raijin.Metrics", "Raijin.Charts", "Raijin.Parallel", "Raijin.Training", "Raijin.DeepSpeed", "Raijin.App"];

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void The_public_surface_changes_only_on_purpose(string assembly)
    {
        var surface = Assembly.Load(assembly).GeneratePublicApi(new ApiGeneratorOptions { IncludeAssemblyAttributes = false });
        Golden.MatchFile(surface, Path.Combine(Tree.Root, "tests/Raijin.House.Tests/PublicApi", assembly + ".cs.txt"));
    }
}
