using Raijin.App;
using Raijin.Testing;

namespace Raijin.Cli.Tests;

public sealed class ProjectTemplateTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("project-clone.txt", true)]
    [InlineData("project-packages.txt", false)]
    public void The_files_of_a_project(string golden, bool clone)
    {
        var files = ProjectTemplate.Files("My.Digits", "/home/me/digits", clone ? new RaijinSource.OfClone("/home/me/raijin") : new RaijinSource.OfPackages("1.2.3"));
        Golden.Match(string.Concat(files.Select(file => $"==> {file.Key}\n{file.Value}\n")), golden);
    }

    [Fact]
    public void A_new_project_takes_its_name_from_its_folder()
    {
        var call = Call.Run("new", _folder["my-2nd digits"]);
        Assert.Equal((0, ""), (call.ExitCode, call.Error));
        Assert.True(File.Exists(_folder["my-2nd digits/My2ndDigits.csproj"]));
        Assert.Contains("namespace My2ndDigits;", File.ReadAllText(_folder["my-2nd digits/DigitsData.cs"]), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_there_is_not_written_over()
    {
        File.WriteAllText(_folder["a"], "");
        var call = Call.Run("new", _folder.Path);
        Assert.Equal(2, call.ExitCode);
        Assert.Contains("is there and not empty: give a new folder", call.Error, StringComparison.Ordinal);
        Assert.Contains("expected a C# name", Call.Run("new", _folder["b"], "--name", "2 digits").Error, StringComparison.Ordinal);
    }
}
