using System.Reflection;
using Raijin.Tensors;

namespace Raijin.App;

/// <summary>The files of a new project: a module, its data, a one-line program, a configuration, a test.</summary>
static class ProjectTemplate
{
    const string Prefix = "Template/";

    /// <summary>The files, by their paths in the project.</summary>
    /// <param name="name">The project's name, a C# identifier, its parts separated by dots.</param>
    /// <param name="folder">Where the project will lie.</param>
    /// <param name="source">Where Raijin comes from.</param>
    public static IReadOnlyList<KeyValuePair<string, string>> Files(string name, string folder, RaijinSource source)
    {
        var clone = source as RaijinSource.OfClone;
        var files = new List<KeyValuePair<string, string>>();
        foreach (var resource in Assembly.GetExecutingAssembly().GetManifestResourceNames().Where(resource => resource.StartsWith(Prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            var path = resource[Prefix.Length..^".txt".Length].Replace("Name.csproj", name + ".csproj", StringComparison.Ordinal).Replace("tests/Tests.csproj", $"tests/{name}.Tests.csproj", StringComparison.Ordinal);
            if (path == "gitignore") path = ".gitignore";
            if (path == "Directory.Build.targets" && clone is null) continue;
            var text = Read(resource)
                .Replace("__References__\n", References(source), StringComparison.Ordinal)
                .Replace("__Source__", clone is null ? "" : $"    <RaijinSource>{Place(folder, clone.Folder)}</RaijinSource>\n", StringComparison.Ordinal)
                .Replace("__Repair__", Repair, StringComparison.Ordinal)
                .Replace("__Name__", name, StringComparison.Ordinal)
                .Replace("__name__", name.ToLowerInvariant(), StringComparison.Ordinal);
            files.Add(new(path, text));
        }
        return files;
    }

    // The repair of TorchSharp travels with the packages; from a clone it is imported.
    const string Repair = """
          <PropertyGroup>
            <RaijinRepairProject>$(RaijinSource)/eng/Raijin.Repair/Raijin.Repair.csproj</RaijinRepairProject>
            <RaijinRepairCache>$(ArtifactsPath)/obj/</RaijinRepairCache>
          </PropertyGroup>
          <Import Project="$(RaijinSource)/src/Raijin.Tensors/buildTransitive/Raijin.Tensors.targets" />

        """;

    static string References(RaijinSource source) => source switch
    {
        RaijinSource.OfPackages(var version) => $"""

              <ItemGroup>
                <PackageReference Include="Raijin.App" Version="{version}" />
                <PackageReference Include="libtorch-cpu-linux-x64" Version="{LibTorchPackage}" Condition="$([MSBuild]::IsOSPlatform('Linux'))" />
                <PackageReference Include="libtorch-cpu-win-x64" Version="{LibTorchPackage}" Condition="$([MSBuild]::IsOSPlatform('Windows'))" />
                <PackageReference Include="libtorch-cpu-osx-arm64" Version="{LibTorchPackage}" Condition="$([MSBuild]::IsOSPlatform('OSX'))" />
              </ItemGroup>

            """,
        _ => """

              <ItemGroup>
                <ProjectReference Include="$(RaijinSource)/src/Raijin.App/Raijin.App.csproj" />
              </ItemGroup>

            """,
    };

    static string LibTorchPackage => $"{LibTorch.BoundVersion}.0";

    static string Place(string folder, string clone)
    {
        var relative = Path.GetRelativePath(folder, clone).Replace('\\', '/');
        return Path.IsPathRooted(relative) ? relative : $"$(MSBuildThisFileDirectory){relative}";
    }

    static string Read(string resource)
    {
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream(resource)!);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
