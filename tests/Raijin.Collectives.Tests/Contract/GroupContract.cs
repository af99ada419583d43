using Raijin.Testing;

namespace Raijin.Collectives.Tests.Contract;

/// <summary>
/// What any transport must do. A transport's tests derive from this and say how ranks are run; a rank that is a process of Raijin.RankHost makes its world, and calls
/// <see cref="GroupCheck.Run"/> for each check it was named.
/// </summary>
public abstract class GroupContract
{
    public static TheoryData<int> Sizes => [1, 2, 3, 4];

    public static TheoryData<string> Breaking => [.. GroupCheck.All.Where(c => c.Breaks).Select(c => c.Name)];

    /// <summary>Runs one world of as many ranks, each of which does the checks one after the other. Throws what a rank threw.</summary>
    protected abstract void Run(int size, IReadOnlyList<GroupCheck> checks);

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Every_lasting_check_passes(int size) => Run(size, GroupCheck.Lasting);

    [Theory]
    [MemberData(nameof(Breaking))]
    public void A_broken_group_says_why(string check) => Run(3, [GroupCheck.Named(check)]);
}
