namespace Raijin.Samples.Tests.MetaLearning;

public sealed class ProblemsTests
{
    [Fact]
    public void A_wave_is_one_sine_over_support_and_query()
    {
        for (ulong seed = 0; seed < 20; seed++)
        {
            var problem = Problems.Sine(new RandomStream(seed), shots: 10, queries: 10);
            // a sin x + b cos x through two points is a wave's two unknowns; the others must lie on it.
            var (x0, x1) = (problem.SupportInputs[0], problem.SupportInputs[1]);
            var determinant = Math.Sin(x0) * Math.Cos(x1) - Math.Cos(x0) * Math.Sin(x1);
            var a = (problem.SupportTargets[0] * Math.Cos(x1) - problem.SupportTargets[1] * Math.Cos(x0)) / determinant;
            var b = (problem.SupportTargets[1] * Math.Sin(x0) - problem.SupportTargets[0] * Math.Sin(x1)) / determinant;
            Assert.InRange(Math.Sqrt(a * a + b * b), 0.099, 5.01);
            for (var i = 0; i < 10; i++)
                Assert.Equal(a * Math.Sin(problem.QueryInputs[i]) + b * Math.Cos(problem.QueryInputs[i]), problem.QueryTargets[i], 1e-3);
        }
    }

    [Fact]
    public void Glyphs_of_a_kind_resemble_each_other_more_than_others()
    {
        var (right, all) = (0, 0);
        for (ulong seed = 0; seed < 20; seed++)
        {
            var problem = Problems.Glyphs(new RandomStream(seed), shots: 1, queries: 3);
            Assert.All(problem.SupportInputs, ink => Assert.InRange(ink, 0, 1));
            Assert.Equal([0f, 1f, 2f, 3f, 4f], problem.SupportTargets);
            for (var q = 0; q < problem.QueryTargets.Length; q++, all++)
            {
                var nearest = Enumerable.Range(0, Problems.Ways).MinBy(s => Distance(Picture(problem.SupportInputs, s), Picture(problem.QueryInputs, q)));
                if (problem.SupportTargets[nearest] == problem.QueryTargets[q]) right++;
            }
        }
        // Chance is 1 in 5; nearest pixels find many, not all: there is something to learn.
        Assert.InRange((double)right / all, 0.4, 0.95);

        static ArraySegment<float> Picture(float[] pixels, int i) => new(pixels, i * Problems.GlyphSide * Problems.GlyphSide, Problems.GlyphSide * Problems.GlyphSide);

        static double Distance(ArraySegment<float> a, ArraySegment<float> b) => a.Zip(b, (p, q) => (p - q) * (p - q)).Sum();
    }

    [Fact]
    public void A_batch_has_a_row_of_samples_for_each_problem()
    {
        using var scope = TensorScope.Open();
        var problems = Enumerable.Range(0, 3).Select(i => Problems.Sine(new RandomStream((ulong)i), shots: 4, queries: 6)).ToList();
        var waves = TaskBatch.Collate(problems, inputSize: 1, classes: false);
        Assert.Equal(3, waves.Count);
        Assert.Equal([3, 4, 1], waves.SupportInputs.shape);
        Assert.Equal([3, 6, 1], waves.QueryTargets.shape);
        Assert.Equal(problems[2].QueryTargets, waves.QueryTargets[2].data<float>().ToArray());
    }
}
