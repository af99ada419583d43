namespace Raijin.App;

/// <summary>Where a new project takes Raijin from: the projects of a clone, or packages.</summary>
abstract record RaijinSource
{
    /// <summary>The clone this very program was built in; else the packages of its version.</summary>
    public static RaijinSource OfThisProgram()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Raijin.slnx")) && File.Exists(Path.Combine(folder.FullName, "src", "Raijin.App", "Raijin.App.csproj"))) return new OfClone(folder.FullName);
        return new OfPackages(Versions.Raijin);
    }

    /// <summary>The projects of a clone.</summary>
    /// <param name="Folder">The clone.</param>
    public sealed record OfClone(string Folder) : RaijinSource;

    /// <summary>Packages.</summary>
    /// <param name="Version">Their version.</param>
    public sealed record OfPackages(string Version) : RaijinSource;
}
