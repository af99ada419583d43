namespace Raijin.Samples.Tests.Reinforcement;

public sealed class ReplayBufferTests
{
    [Fact]
    public void The_last_moves_are_kept_and_sampled()
    {
        using var scope = TensorScope.Open();
        using var buffer = new ReplayBuffer(capacity: 4, observationSize: 2, batchSize: 64);
        var random = new RandomStream(2);
        for (var i = 0; i < 3; i++) Add(i);
        Assert.Equal(3, buffer.Filled);
        Assert.Equal([0f, 1f, 2f], Rewards());
        for (var i = 3; i < 9; i++) Add(i);
        Assert.Equal(4, buffer.Filled);
        Assert.Equal([5f, 6f, 7f, 8f], Rewards());

        var batch = buffer.Sample(random);
        var rewards = batch.Rewards.data<float>().ToArray();
        Assert.Equal(rewards.SelectMany(r => new[] { r, -r }), batch.Observations.data<float>().ToArray());
        Assert.Equal(rewards.SelectMany(r => new[] { r + 1, -r - 1 }), batch.Next.data<float>().ToArray());
        Assert.Equal(rewards.Select(r => (long)r % 2), batch.Actions.data<long>().ToArray());
        Assert.Equal(rewards.Select(r => r % 3 == 0 ? 1f : 0f), batch.Terminal.data<float>().ToArray());

        void Add(int i) => buffer.Add([i, -i], i % 2, i, [i + 1, -i - 1], i % 3 == 0);

        IEnumerable<float> Rewards() => buffer.Sample(random).Rewards.data<float>().ToArray().Distinct().Order();
    }
}
