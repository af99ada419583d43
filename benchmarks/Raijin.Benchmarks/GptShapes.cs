namespace Raijin.Benchmarks;

/// <summary>The two GPTs on which strategies are measured. Heads are not tied, as those of the models they are compared with.</summary>
static class GptShapes
{
    /// <summary>12,244,992 parameters; 4 sequences of 64 tokens a rank.</summary>
    public static GptOptions Params12M { get; } = new() { Vocabulary = 2048, Context = 64, Layers = 6, Heads = 6, Width = 384, TieEmbeddings = false };

    /// <summary>63,045,120 parameters; 1 sequence of 64 tokens a rank.</summary>
    public static GptOptions Params63M { get; } = new() { Vocabulary = 4096, Context = 64, Layers = 8, Heads = 12, Width = 768, TieEmbeddings = false };
}
