namespace Raijin.Samples.Tests.Reinforcement;

public sealed class LanderTests
{
    [Fact]
    public void Free_flight_conserves_energy_and_spin()
    {
        var lander = new Lander(1, seed: 3);
        lander.Reset();
        lander[0] = lander[0] with { X = -2, VelocityX = 2, VelocityY = 1.5, Spin = 0.7 };
        var (energy, spin) = (Energy(lander[0]), lander[0].Spin);
        for (var t = 0; t < 50; t++)
        {
            lander.Step([0]);
            Assert.Equal(energy, Energy(lander[0]), 1e-9);
            Assert.Equal(spin, lander[0].Spin);
            Assert.Equal(-2 + 2 * Lander.StepSeconds * (t + 1), lander[0].X, 1e-12);
        }

        static double Energy(Lander.Body body) =>
            Lander.Gravity * body.Y + 0.5 * (body.VelocityX * body.VelocityX + body.VelocityY * body.VelocityY);
    }

    [Fact]
    public void The_mirror_image_of_a_flight_is_a_flight()
    {
        int[] actions = [2, 1, 0, 3, 2, 2, 1, 1, 0, 2];
        var lander = new Lander(2, seed: 5);
        lander.Reset();
        // Low and tilted, so that a leg touches on the way.
        lander[0] = new Lander.Body { X = 1, Y = 1.3, VelocityX = 0.5, VelocityY = -1, Angle = 0.2, Spin = -0.1 };
        lander[1] = new Lander.Body { X = -1, Y = 1.3, VelocityX = -0.5, VelocityY = -1, Angle = -0.2, Spin = 0.1 };
        var touched = false;
        for (var t = 0; t < 60; t++)
        {
            var action = actions[t % actions.Length];
            lander.Step([action, action switch { 1 => 3, 3 => 1, _ => action }]);
            if (lander.Terminated[0]) break;
            var (one, other) = (lander[0], lander[1]);
            touched |= one.LeftLeg || one.RightLeg;
            Assert.Equal(one.X, -other.X, 1e-12);
            Assert.Equal(one.Y, other.Y, 1e-12);
            Assert.Equal(one.Angle, -other.Angle, 1e-12);
            Assert.Equal(one.Spin, -other.Spin, 1e-12);
            Assert.Equal((one.LeftLeg, one.RightLeg), (other.RightLeg, other.LeftLeg));
            if (t > 0) Assert.Equal(lander.Rewards[0], lander.Rewards[1], 1e-4f);
        }
        Assert.True(touched);
        Assert.Equal(lander.Terminated[0], lander.Terminated[1]);
    }

    [Fact]
    public void Engines_push_along_the_body_and_the_side_engines_turn_it()
    {
        var lander = new Lander(3, seed: 0);
        lander.Reset();
        for (var i = 0; i < 3; i++) lander[i] = new Lander.Body { Y = 5 };
        lander.Step([2, 1, 3]);
        Assert.True(lander[0].VelocityY > 0 && lander[0].VelocityX == 0 && lander[0].Spin == 0);
        Assert.True(lander[1].Spin < 0 && lander[1].VelocityX > 0);
        Assert.True(lander[2].Spin > 0 && lander[2].VelocityX < 0);
    }

    [Fact]
    public void A_soft_touch_comes_to_rest_and_is_rewarded()
    {
        var lander = new Lander(1, seed: 0);
        lander.Reset();
        lander[0] = new Lander.Body { Y = 1, VelocityY = -0.5 };
        var steps = 0;
        do lander.Step([0]);
        while (!lander.Terminated[0] && ++steps < 500);
        Assert.True(lander.Terminated[0]);
        Assert.Equal(100, lander.Rewards[0]);
        Assert.Equal([1f, 1f], lander.LastObservations[6..8]);
    }

    [Theory]
    [InlineData(0, 2, -8, 0)]       // too fast
    [InlineData(0, 0.95, 0, 1.4)]   // on its side
    [InlineData(9.99, 5, 0, 0, 3)]  // away
    public void A_crash_ends_it(double x, double y, double velocityY, double angle, double velocityX = 0)
    {
        var lander = new Lander(1, seed: 0);
        lander.Reset();
        lander[0] = new Lander.Body { X = x, Y = y, VelocityX = velocityX, VelocityY = velocityY, Angle = angle };
        var steps = 0;
        do lander.Step([0]);
        while (!lander.Terminated[0] && ++steps < 200);
        Assert.True(lander.Terminated[0]);
        Assert.Equal(-100, lander.Rewards[0]);
    }

    [Fact]
    public void Rewards_of_a_flight_sum_to_the_growth_of_its_shaping_less_fuel()
    {
        var (coasting, burning) = (new Lander(1, seed: 8), new Lander(1, seed: 8));
        coasting.Reset();
        burning.Reset();
        var start = coasting[0].Shaping;
        for (var t = 0; t < 20; t++) coasting.Step([0]);
        Assert.Equal(coasting[0].Shaping - start, coasting.Returns[0], 1e-3);
        for (var t = 0; t < 20; t++) burning.Step([2]);
        Assert.Equal(burning[0].Shaping - start - 20 * 0.3, burning.Returns[0], 1e-3);
    }
}
