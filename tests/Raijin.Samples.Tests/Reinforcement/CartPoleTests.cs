using System.Text.Json;
using Raijin.Testing;

namespace Raijin.Samples.Tests.Reinforcement;

public sealed class CartPoleTests
{
    // Written by eng/recordings/cartpole.py, which solves the equations of motion another way, in float64.
    static readonly JsonElement Recording = JsonDocument.Parse(
        File.ReadAllBytes(Path.Combine(SharedData.Repository, "tests/Raijin.Samples.Tests/Golden/cartpole.json"))).RootElement;

    public static TheoryData<int> Runs => [.. Enumerable.Range(0, Recording.GetArrayLength())];

    [Theory]
    [MemberData(nameof(Runs))]
    public void Every_state_and_every_end_is_the_recorded_one(int run)
    {
        var recorded = Recording[run];
        var pole = new CartPole(1, seed: 0);
        var start = Numbers(recorded.GetProperty("start"));
        pole.Reset();
        pole.Place(0, start[0], start[1], start[2], start[3]);
        for (var t = 0; t < recorded.GetProperty("actions").GetArrayLength(); t++)
        {
            pole.Step([recorded.GetProperty("actions")[t].GetInt32()]);
            var expected = Numbers(recorded.GetProperty("states")[t]);
            var ended = recorded.GetProperty("ended")[t].GetBoolean();
            Assert.Equal(ended, pole.Terminated[0]);
            Assert.Equal(1, pole.Rewards[0]);
            var seen = ended ? pole.LastObservations : pole.Observations;
            // float32 of what is seen; the state behind it as far as rounding goes over 50 steps.
            for (var i = 0; i < 4; i++) Assert.Equal(expected[i], seen[i], 1e-6 * Math.Max(1, Math.Abs(expected[i])));
            if (ended) continue;
            var state = pole.State(0);
            Assert.Equal(expected[0], state.X, 1e-12);
            Assert.Equal(expected[1], state.Velocity, 1e-12);
            Assert.Equal(expected[2], state.Angle, 1e-12);
            Assert.Equal(expected[3], state.Rate, 1e-12);
        }
    }

    [Fact]
    public void A_balanced_pole_is_cut_off_after_500_steps_and_begins_anew()
    {
        var pole = new CartPole(3, seed: 4);
        var (actions, steps) = (new int[3], 0);
        pole.Reset();
        do
        {
            for (var i = 0; i < 3; i++)
            {
                var (x, velocity, angle, rate) = pole.State(i);
                actions[i] = angle + 0.25 * rate + 0.01 * x + 0.03 * velocity > 0 ? 1 : 0;
            }
            pole.Step(actions);
            steps++;
            Assert.DoesNotContain(true, pole.Terminated);
        }
        while (!pole.Truncated[0]);

        Assert.Equal(500, steps);
        Assert.All(pole.Truncated, Assert.True);
        Assert.All(pole.Returns, r => Assert.Equal(500, r));
        Assert.All(pole.Observations, o => Assert.InRange(o, -0.05f, 0.05f));
        pole.Step(actions);
        Assert.DoesNotContain(true, pole.Truncated);
        Assert.All(pole.Returns, r => Assert.Equal(1, r));
    }

    [Fact]
    public void A_copy_does_the_same_however_many_there_are_beside_it()
    {
        var (few, many, other) = (new CartPole(2, seed: 9), new CartPole(5, seed: 9), new CartPole(2, seed: 10));
        few.Reset();
        many.Reset();
        other.Reset();
        Assert.NotEqual(few.Observations, other.Observations);
        for (var t = 0; t < 100; t++)
        {
            few.Step([t % 3 == 0 ? 1 : 0, t % 2]);
            many.Step([t % 3 == 0 ? 1 : 0, t % 2, 0, 1, 0]);
            Assert.Equal(few.Observations, many.Observations[..8]);
            Assert.Equal(few.Returns, many.Returns[..2]);
        }
    }

    [Fact]
    public void A_step_allocates_nothing()
    {
        var pole = new CartPole(16, seed: 1);
        var actions = new int[16];
        pole.Reset();
        pole.Step(actions);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var t = 0; t < 200; t++) pole.Step(actions);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Playing_means_over_one_episode_of_each_copy()
    {
        var pole = new CartPole(4, seed: 2);
        var ends = new int?[4];
        var calls = 0;
        var mean = pole.Play((_, actions) =>
        {
            for (var i = 0; i < 4; i++) if (calls > 0 && pole.Terminated[i]) ends[i] ??= calls;
            actions.AsSpan().Fill(1);
            calls++;
        });
        for (var i = 0; i < 4; i++) ends[i] ??= calls;
        Assert.Equal(ends.Average()!.Value, mean);
        Assert.InRange(mean, 8, 12);
    }

    [Fact]
    public void Actions_that_do_not_fit_are_refused()
    {
        var pole = new CartPole(2, seed: 0);
        pole.Reset();
        Assert.Contains("1 actions for 2 environments", Assert.Throws<ArgumentException>(() => pole.Step([0])).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => pole.Step([0, 2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => pole.Step([-1, 0]));
    }

    static double[] Numbers(JsonElement array) => [.. array.EnumerateArray().Select(e => e.GetDouble())];
}
