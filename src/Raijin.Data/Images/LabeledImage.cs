namespace Raijin;

/// <summary>An image and its class.</summary>
/// <param name="Image">The image; whoever takes the sample owns it.</param>
/// <param name="Label">Class, from 0.</param>
public readonly record struct LabeledImage(RgbImage Image, long Label);
