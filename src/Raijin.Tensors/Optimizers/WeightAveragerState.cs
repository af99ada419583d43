using static TorchSharp.torch;

namespace Raijin.Tensors;

/// <summary>The state of a <see cref="WeightAverager"/>.</summary>
/// <param name="Updates">Updates so far.</param>
/// <param name="Averages">The averages by the names of their weights. From <see cref="WeightAverager.CaptureState"/> they are the live ones, borrowed until the next update or swap.</param>
public sealed record WeightAveragerState(long Updates, IReadOnlyList<KeyValuePair<string, Tensor>> Averages);
