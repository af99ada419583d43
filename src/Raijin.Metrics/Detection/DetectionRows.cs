// Every object is a row of numbers, one after another whatever image it is of; an image is two counts. No tensor an image, and one gather a state.
//   found objects   label score area | left top width height  or, where masks are compared,  pixels
//   true objects    label crowd area | the same
// What any two masks of an image share is counted while both are at hand: masks are not kept.

using System.Buffers;
using System.Diagnostics;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

sealed record DetectionRows(BoxFormat Format, IouType IouType) : Accumulation<DetectionBatch>
{
    public const int Label = 0;
    public const int Score = 1;
    public const int Crowd = 1;
    public const int Area = 2;
    public const int Left = 3;
    public const int Pixels = 3;
    public const string SharedPixels = "shared";

    const int Images = 0;
    const int Found = 1;
    const int There = 2;
    const int Shared = 3;

    const int ScoreFault = 0;
    const int BoxFault = 1;

    // Counts of pixels are exact in float32 up to here.
    const long ExactPixels = 1 << 24;

    public int Width => IouType == IouType.Masks ? 4 : 7;

    public override void Declare(MetricStates states)
    {
        states.Add("images", Reduction.Concatenate, zeros([0, 2], ScalarType.Int64));
        states.Add("predictions", Reduction.Concatenate, zeros([0, Width], ScalarType.Float64));
        states.Add("targets", Reduction.Concatenate, zeros([0, Width], ScalarType.Float64));
        if (IouType == IouType.Masks) states.Add(SharedPixels, Reduction.Concatenate, zeros([0], ScalarType.Int32));
        states.AddFaults("scores that are numbers", "boxes of finite corners whose width and height are not negative");
    }

    public override void Check(in DetectionBatch batch) => DetectionShapes.Check(in batch, IouType, scores: true);

    protected internal override void Add(MetricStates states, in DetectionBatch batch)
    {
        if (batch.Count == 0) return;
        var device = states[Found].Value.device;
        var images = new long[2 * batch.Count];
        List<Tensor> found = [], there = [], shared = [];
        for (var i = 0; i < batch.Predictions.Count; i++)
        {
            var (prediction, target) = (batch.Predictions[i], batch.Targets[i]);
            var (labels, trueLabels) = (Column(prediction.Labels), Column(target.Labels));
            (images[2 * i], images[2 * i + 1]) = (labels.shape[0], trueLabels.shape[0]);
            var scores = Column(prediction.Scores!);
            states.Faults!.Note(ScoreFault, scores.isnan(), scores);
            var crowd = target.Crowd is { } flags ? Column(flags) : zeros_like(trueLabels);
            Tensor area, trueArea;
            if (IouType == IouType.Masks)
            {
                var (masks, trueMasks) = (Flat(prediction.Masks!), Flat(target.Masks!));
                (area, trueArea) = (masks.sum(1, type: ScalarType.Float64), trueMasks.sum(1, type: ScalarType.Float64));
                if (images[2 * i] > 0 && images[2 * i + 1] > 0) shared.Add(masks.mm(trueMasks.t()).reshape(-1));
                found.Add(stack([labels, scores, area, area], 1));
                there.Add(stack([trueLabels, crowd, target.Areas is { } given ? Column(given) : trueArea, trueArea], 1));
            }
            else
            {
                var (boxes, trueBoxes) = (Corner(states, prediction.Boxes!), Corner(states, target.Boxes!));
                (area, trueArea) = (boxes.select(1, 2) * boxes.select(1, 3), trueBoxes.select(1, 2) * trueBoxes.select(1, 3));
                found.Add(cat([stack([labels, scores, area], 1), boxes], 1));
                there.Add(cat([stack([trueLabels, crowd, target.Areas is { } given ? Column(given) : trueArea], 1), trueBoxes], 1));
            }
        }
        states[Images].Append(tensor(images, device: device).reshape(-1, 2));
        states[Found].Append(cat(found, 0));
        states[There].Append(cat(there, 0));
        if (shared.Count > 0) states[Shared].Append(cat(shared, 0));

        Tensor Column(Tensor values) => values.to(ScalarType.Float64, device);

        Tensor Flat(Tensor masks)
        {
            var pixels = masks.shape[1] * masks.shape[2];
            return masks.to(device).ne(0).reshape(masks.shape[0], pixels).to(pixels < ExactPixels ? ScalarType.Float32 : ScalarType.Float64);
        }
    }

    // Left, top, width, height.
    Tensor Corner(MetricStates states, Tensor boxes)
    {
        var corner = Boxes.Convert(boxes.to(ScalarType.Float64, states[Found].Value.device).reshape(-1, 4), Format, BoxFormat.Xywh);
        var smallest = (minimum(corner.select(1, 2), corner.select(1, 3)) + corner.sum(1) * 0).nan_to_num(nan: double.NegativeInfinity);
        states.Faults!.Note(BoxFault, smallest.lt(0), smallest);
        return corner;
    }

    protected internal override bool TryAddOnHost(MetricStates states, in DetectionBatch batch)
    {
        if (IouType == IouType.Masks) return false;
        var (n, m) = (0L, 0L);
        for (var i = 0; i < batch.Predictions.Count; i++)
        {
            if (!IsReadable(batch.Predictions[i]) || !IsReadable(batch.Targets[i])) return false;
            n += HostTensor.Sizes(batch.Predictions[i].Labels)[0];
            m += HostTensor.Sizes(batch.Targets[i].Labels)[0];
        }
        var images = ArrayPool<long>.Shared.Rent(2 * batch.Predictions.Count);
        var found = ArrayPool<double>.Shared.Rent(checked((int)n * Width));
        var there = ArrayPool<double>.Shared.Rent(checked((int)m * Width));
        var (wrongScores, wrongBoxes) = (default(WrongValues), default(WrongValues));
        var (atFound, atThere) = (0, 0);
        for (var i = 0; i < batch.Predictions.Count; i++)
        {
            var (prediction, target) = (batch.Predictions[i], batch.Targets[i]);
            var count = (int)HostTensor.Sizes(prediction.Labels)[0];
            var rows = found.AsSpan(atFound, count * Width);
            Read(prediction.Labels, rows, Label);
            Read(prediction.Scores!, rows, Score);
            Read(prediction.Boxes!, rows, Left, 4);
            Finish(rows, given: false, ref wrongBoxes);
            for (var at = Score; at < rows.Length; at += Width) if (double.IsNaN(rows[at])) wrongScores.Add(rows[at]);
            atFound += rows.Length;
            images[2 * i] = count;

            count = (int)HostTensor.Sizes(target.Labels)[0];
            rows = there.AsSpan(atThere, count * Width);
            Read(target.Labels, rows, Label);
            if (target.Crowd is { } crowd) Read(crowd, rows, Crowd);
            else for (var at = Crowd; at < rows.Length; at += Width) rows[at] = 0;
            if (target.Areas is { } areas) Read(areas, rows, Area);
            Read(target.Boxes!, rows, Left, 4);
            Finish(rows, given: target.Areas is not null, ref wrongBoxes);
            atThere += rows.Length;
            images[2 * i + 1] = count;
        }
        states[Images].Append<long>(images.AsSpan(0, 2 * batch.Predictions.Count));
        states[Found].Append<double>(found.AsSpan(0, atFound));
        states[There].Append<double>(there.AsSpan(0, atThere));
        ArrayPool<long>.Shared.Return(images);
        ArrayPool<double>.Shared.Return(found);
        ArrayPool<double>.Shared.Return(there);
        states.Faults!.Note(ScoreFault, wrongScores.Count, wrongScores.First);
        states.Faults.Note(BoxFault, wrongBoxes.Count, wrongBoxes.First);
        return true;
    }

    void Finish(Span<double> rows, bool given, ref WrongValues wrong)
    {
        for (; rows.Length > 0; rows = rows[Width..])
        {
            var box = rows.Slice(Left, 4);
            if (Format == BoxFormat.Xyxy) (box[2], box[3]) = (box[2] - box[0], box[3] - box[1]);
            else if (Format == BoxFormat.Cxcywh) (box[0], box[1]) = (box[0] - box[2] * 0.5, box[1] - box[3] * 0.5);
            if (!given) rows[Area] = box[2] * box[3];
            var smallest = Math.Min(box[2], box[3]) + (box[0] + box[1] + box[2] + box[3]) * 0;
            if (!(smallest >= 0)) wrong.Add(double.IsNaN(smallest) ? double.NegativeInfinity : smallest);
        }
    }

    static bool IsReadable(in Detections image) => IsReadable(image.Labels) && IsReadable(image.Scores!) && IsReadable(image.Boxes!);

    static bool IsReadable(in GroundTruth image) => IsReadable(image.Labels) && IsReadable(image.Boxes!) && IsReadable(image.Crowd) && IsReadable(image.Areas);

    static bool IsReadable(Tensor? tensor)
    {
        if (tensor is null) return true;
        if (!HostTensor.TryOpen(tensor, out var view)) return false;
        using (view) return view.DType is ScalarType.Float32 or ScalarType.Float64 or ScalarType.Int64 or ScalarType.Int32 or ScalarType.Bool or ScalarType.Byte;
    }

    // [n] or [n, each] to a column, or some, of the rows.
    void Read(Tensor tensor, Span<double> rows, int column, int each = 1)
    {
        if (!HostTensor.TryOpen(tensor, out var view)) throw new UnreachableException("It was open to reading before.");
        using (view)
        {
            switch (view.DType)
            {
                case ScalarType.Float32: Copy<float>(view.Span<float>(), rows, column, each); break;
                case ScalarType.Float64: Copy<double>(view.Span<double>(), rows, column, each); break;
                case ScalarType.Int64: Copy<long>(view.Span<long>(), rows, column, each); break;
                case ScalarType.Int32: Copy<int>(view.Span<int>(), rows, column, each); break;
                default: Copy<byte>(view.Bytes, rows, column, each); break;
            }
        }
    }

    void Copy<T>(ReadOnlySpan<T> values, Span<double> rows, int column, int each)
        where T : unmanaged, System.Numerics.INumberBase<T>
    {
        for (var at = column; at < rows.Length; at += Width)
        {
            for (var k = 0; k < each; k++) rows[at + k] = double.CreateTruncating(values[k]);
            values = values[each..];
        }
    }

    struct WrongValues
    {
        public long Count;
        public double First;

        public void Add(double value)
        {
            if (Count++ == 0) First = value;
        }
    }
}
