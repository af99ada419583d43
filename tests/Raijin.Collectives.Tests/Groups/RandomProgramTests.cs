using CsCheck;
using Raijin.Testing;

namespace Raijin.Collectives.Tests.Groups;

public sealed class RandomProgramTests
{
    [Fact]
    public void Random_programs_equal_their_simulation() =>
        Gen.Select(Gen.Int[0, 1_000_000], Gen.Int[1, 5], Gen.Bool).Sample((seed, size, isChecked) =>
            World.Run(size, GroupCheck.RandomProgram(seed, 15).Run, new GroupOptions { CheckCalls = isChecked, Deadline = TimeSpan.FromSeconds(60) }), iter: 20, threads: 1);
}
