using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Text;

public sealed class SquadTests
{
    [Fact]
    public void The_scores_are_those_of_torchmetrics()
    {
        var part = EditRecording.Part("squad");
        var predictions = part.GetProperty("predictions").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString()!);
        var answers = part.GetProperty("answers").EnumerateObject().ToDictionary(p => p.Name, IReadOnlyList<string> (p) => p.Value.Strings());
        var scores = Texts.Squad(predictions, answers);
        Recording.Near(part.GetProperty("exact_match").Number(), scores.ExactMatch);
        Recording.Near(part.GetProperty("f1").Number(), scores.F1);
    }

    [Theory]
    [InlineData("The Cat!", "cat", 100, 100)]
    [InlineData("a cat sat", "the cat ran away", 0, 40)]
    [InlineData("the", "", 100, 100)]
    [InlineData("dog", "", 0, 0)]
    [InlineData("anthem theory", "them ory", 0, 0)]
    public void Answers_are_compared_normalised(string prediction, string answer, double exactMatch, double f1)
    {
        using var metric = new Squad();
        metric.Update(new AnswerComparison([prediction], [[answer]]));
        Assert.Equal(new SquadResult(exactMatch, f1), metric.Compute());
        Assert.Equal(f1, metric.ComputeScalar());
        Assert.Equal([new("exact_match", exactMatch), new("f1", f1)], metric.ComputeScalars());
    }

    [Fact]
    public void A_question_not_answered_scores_nothing_and_an_answer_nobody_asked_for_is_not_used()
    {
        var scores = Texts.Squad(new Dictionary<string, string> { ["1"] = "x", ["9"] = "y" }, new Dictionary<string, IReadOnlyList<string>> { ["1"] = ["x"], ["2"] = ["y"] });
        Assert.Equal(new SquadResult(50, 50), scores);
    }

    [Fact]
    public void No_question_gives_no_number()
    {
        var scores = Texts.Squad(new Dictionary<string, string>(), new Dictionary<string, IReadOnlyList<string>>());
        Assert.True(double.IsNaN(scores.ExactMatch) && double.IsNaN(scores.F1));
    }

    [Fact]
    public void Merged_halves_give_the_whole_and_a_selection_its_own_score()
    {
        var batch = new AnswerComparison(["a b", null, "c"], [["b"], ["x"], ["c d", "e"]]);
        using var metric = new Squad();
        using var other = new Squad();
        using var head = tensor(new long[] { 0 });
        using var tail = tensor(new long[] { 2, 1 });
        metric.Update(batch.Select(head));
        other.Update(batch.Select(tail));
        metric.Merge(other);
        Assert.Equal(metric.Of(batch), metric.Compute());
    }

    [Fact]
    public void A_question_without_a_right_answer_is_refused()
    {
        using var metric = new Squad();
        var error = Assert.Throws<ShapeMismatchException>(() => metric.Update(new AnswerComparison(["x"], [[]])));
        Assert.Contains("none for question 0", error.Message);
        Assert.Throws<ShapeMismatchException>(() => metric.Update(new AnswerComparison(["x", "y"], [["x"]])));
    }
}
