using System.Collections;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Raijin;

/// <summary>
/// A change of an image: resize, crop, flip, colour. A transform has no state; whatever it leaves to chance it draws from the stream it is
/// given, which belongs to the sample and the epoch: order and number of workers never change a result.
/// </summary>
/// <remarks>Write your own by deriving: change <see cref="RgbImage.Pixels"/>, or call the image's methods. Called from several threads at once.</remarks>
public abstract record ImageTransform
{
    /// <summary>Changes an image in place, its size included.</summary>
    /// <param name="image">The image; borrowed.</param>
    /// <param name="random">Random numbers that belong to this image in this epoch.</param>
    public abstract void Apply(RgbImage image, RandomStream random);

    /// <summary>The transform with its settings, in the invariant culture: part of a loader's fingerprint.</summary>
    public sealed override string ToString()
    {
        var culture = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
            var text = new StringBuilder(GetType().Name);
            var members = new StringBuilder();
            if (PrintMembers(members)) text.Append('(').Append(members).Append(')');
            return text.ToString();
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }
}

/// <summary>Transforms, one after the other; written as a list: <c>[new RandomResizedCrop(224), new RandomHorizontalFlip()]</c>.</summary>
[CollectionBuilder(typeof(ImageTransforms), nameof(Of))]
public sealed record ImageTransforms : ImageTransform, IReadOnlyList<ImageTransform>
{
    readonly ImageTransform[] _steps;

    ImageTransforms(ImageTransform[] steps) => _steps = steps;

    /// <summary>Transforms in the order given.</summary>
    public static ImageTransforms Of(ReadOnlySpan<ImageTransform> steps)
    {
        foreach (var step in steps) ArgumentNullException.ThrowIfNull(step, nameof(steps));
        return new(steps.ToArray());
    }

    /// <summary>Number of transforms.</summary>
    public int Count => _steps.Length;

    /// <summary>One of them.</summary>
    public ImageTransform this[int index] => _steps[index];

    /// <inheritdoc/>
    public override void Apply(RgbImage image, RandomStream random)
    {
        foreach (var step in _steps) step.Apply(image, random);
    }

    /// <summary>Whether both have equal transforms in the same order.</summary>
    public bool Equals(ImageTransforms? other) => other is not null && _steps.AsSpan().SequenceEqual(other._steps);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var step in _steps) hash.Add(step);
        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    public IEnumerator<ImageTransform> GetEnumerator() => ((IEnumerable<ImageTransform>)_steps).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Writes the transforms.</summary>
    protected override bool PrintMembers(StringBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.AppendJoin(", ", (IEnumerable<ImageTransform>)_steps);
        return _steps.Length > 0;
    }
}
