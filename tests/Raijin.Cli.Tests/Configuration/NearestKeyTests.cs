using Raijin.App;

namespace Raijin.Cli.Tests;

public sealed class NearestKeyTests
{
    static readonly string[] Keys = ["trainer.maxEpochs", "trainer.maxSteps", "trainer.precision", "model.hidden", "seed"];

    [Theory]
    [InlineData("trainer.maxEpoch", "trainer.maxEpochs")]
    [InlineData("trainer.max-epochs", "trainer.maxEpochs")]
    [InlineData("trainer.max_steps", "trainer.maxSteps")]
    [InlineData("Trainer.MaxSteps", "trainer.maxSteps")]
    [InlineData("maxEpochs", "trainer.maxEpochs")]
    [InlineData("model.maxEpochs", "trainer.maxEpochs")]
    [InlineData("trianer.precision", "trainer.precision")]
    [InlineData("model.hiden", "model.hidden")]
    [InlineData("sed", "seed")]
    [InlineData("something.else", null)]
    [InlineData("x", null)]
    public void The_nearest_key_is_offered_only_when_it_is_near(string given, string? expected) => Assert.Equal(expected, NearestKey.Of(given, Keys));
}
