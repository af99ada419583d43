namespace Raijin.House.Tests;

public sealed class FilesTests
{
    const int LongestSource = 500;
    const int LongestSample = 120;
    const int LongestReadme = 200;

    [Fact]
    public void Source_files_stay_readable()
    {
        var tooLong = Tree.Files("src", ".cs").Select(f => (File: f, Lines: Tree.Lines(f).Length)).Where(f => f.Lines > LongestSource);
        Assert.Empty(tooLong);
    }

    [Fact]
    public void Samples_hold_one_idea_each()
    {
        var tooLong = Tree.Files("samples", ".cs").Select(f => (File: f, Lines: Tree.Lines(f).Length)).Where(f => f.Lines > LongestSample);
        Assert.Empty(tooLong);
    }

    [Fact]
    public void The_readme_is_short() => Assert.InRange(Tree.Lines("README.md").Length, 1, LongestReadme);

    [Fact]
    public void No_room_is_named_after_nothing()
    {
        string[] empty = ["Utils", "Helpers", "Common", "Manager", "Misc"];
        var rooms = Tree.Files("src", ".cs").SelectMany(f => f.Split('/')).Select(Path.GetFileNameWithoutExtension)
            .Where(part => empty.Any(e => part!.EndsWith(e, StringComparison.Ordinal)));
        Assert.Empty(rooms);
    }
}
