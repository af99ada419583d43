// Tagging every character of a text by a bidirectional LSTM: which brackets have a partner? Texts differ in length: padding, packing, tags that don't count.
//   dotnet run -c Release --project samples/08_sequence_labelling -- [epochs]

using Raijin;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using static TorchSharp.torch.nn.utils.rnn;

var epochs = args.Length > 0 ? int.Parse(args[0]) : 3;
var texts = Dataset.Of(count: 6_000, request => Brackets.Draw((request with { Epoch = 0 }).Random()));
var data = texts.Split(validation: 0.1).Batches(new LoaderOptions { BatchSize = 64 }, Brackets.Collate);
var trainer = new Trainer(new() { MaxEpochs = epochs, ClipGradients = Clip.Norm(1) });
var model = new Tagger(hidden: 48);
Console.WriteLine(trainer.Fit(model, data));

const string Example = "(a)b)((c)";
Console.WriteLine($"{Example}\n{model.Tag(Example)}   - has a partner, x has none");

sealed class Tagger(int hidden) : TrainingModule<TaggedTexts>
{
    readonly Embedding _characters = Embedding(Brackets.Characters, 16, padding_idx: 0);
    readonly LSTM _context = LSTM(16, hidden, batchFirst: true, bidirectional: true);
    readonly Module<Tensor, Tensor> _tags = Linear(2 * hidden, Brackets.Tags);
    readonly MetricCollection _metrics = Measures(Classification.Multiclass(Brackets.Tags, ignoreIndex: Brackets.NoTag));

    protected override Tensor TrainingStep(TaggedTexts batch, TrainStep step)
    {
        var scores = Scores(batch.Characters, batch.Lengths);
        var loss = functional.cross_entropy(scores.flatten(0, 1), batch.Tags.flatten(), ignore_index: Brackets.NoTag);
        step.Log("train/loss", loss);
        return loss;
    }

    protected override void ValidationStep(TaggedTexts batch, EvalStep step)
    {
        _metrics.Update(Scores(batch.Characters, batch.Lengths).transpose(1, 2), batch.Tags);  // [B, tags, T] beside [B, T]
        step.Log("val", _metrics);
    }

    protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Adam(this, learningRate: 5e-3).With(Schedules.WarmupCosine(warmupSteps: 50));

    static MetricCollection Measures(Classification tags) => new() { { "accuracy", new Accuracy(tags) }, { "whole texts", new ExactMatch(tags) } };

    /// <summary>Marks the brackets of a text.</summary>
    public string Tag(string text)
    {
        using var scope = TensorScope.Open();
        using var none = no_grad();
        var tags = Scores(tensor(Brackets.Read(text)).unsqueeze(0), tensor(new[] { (long)text.Length })).argmax(2);
        return string.Concat(tags.data<long>().ToArray().Select(tag => " -x"[(int)tag]));
    }

    // Packed, so that the backward direction begins at a text's own end and not in the padding.
    Tensor Scores(Tensor characters, Tensor lengths)
    {
        var packed = pack_padded_sequence(_characters.call(characters), lengths, batch_first: true, enforce_sorted: false);
        var (states, _) = pad_packed_sequence(_context.call(packed).Item1, batch_first: true);
        return _tags.call(states);  // [B, T, tags]
    }
}
