using System.Text;
using static TorchSharp.torch;

/// <summary>Pictures as characters, for a terminal.</summary>
static class TextPictures
{
    const string Ink = " .:-=+*#%@";

    /// <summary>Square pictures side by side.</summary>
    /// <param name="pictures">[N, S × S] or [N, 1, S, S] float32 from 0 (paper) to 1 (ink).</param>
    public static string Row(Tensor pictures)
    {
        var (count, values) = ((int)pictures.shape[0], pictures.flatten().data<float>().ToArray());
        var side = (int)Math.Sqrt(values.Length / count);
        var text = new StringBuilder();
        for (var y = 0; y < side; y++)
        {
            for (var picture = 0; picture < count; picture++)
            {
                for (var x = 0; x < side; x++)
                {
                    var value = values[(picture * side + y) * side + x];
                    text.Append(Ink[Math.Clamp((int)(value * Ink.Length), 0, Ink.Length - 1)], repeatCount: 2);
                }
                text.Append("  ");
            }
            text.AppendLine();
        }
        return text.ToString();
    }
}
