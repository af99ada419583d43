// An image's geometry before its pixels are made: a box of the source is resampled to a size, a window of that is shown, mirrored or not.
//
//      source            resampled            shown
//   ┌───────────┐
//   │  ┌─box─┐  │  ──▶  ┌──────────┐
//   │  │     │  │       │  ┌window┐│  ──▶  mirrored or not
//   │  └─────┘  │       └──┴──────┴┘
//   └───────────┘
//
// Crops, one resize and mirrors compose into one of these in any order, so that a pixel outside the window is never decoded or computed.

namespace Raijin.Data;

/// <summary>A rectangle of whole pixels.</summary>
readonly record struct Box(int Left, int Top, int Width, int Height)
{
    public int Right => Left + Width;

    public int Bottom => Top + Height;
}

/// <summary>Where an image's pixels come from. Immutable.</summary>
/// <param name="Source">The part of the source that is used.</param>
/// <param name="Width">Columns that it is resampled to.</param>
/// <param name="Height">Rows that it is resampled to.</param>
/// <param name="Window">The part of those that is shown.</param>
/// <param name="MirrorX">Whether left and right are exchanged, last of all.</param>
/// <param name="MirrorY">Whether top and bottom are exchanged, last of all.</param>
readonly record struct Placement(Box Source, int Width, int Height, Box Window, bool MirrorX, bool MirrorY)
{
    /// <summary>All of a source, as it is.</summary>
    public static Placement Whole(int width, int height) => new(new(0, 0, width, height), width, height, new(0, 0, width, height), false, false);

    public bool Resamples => Width != Source.Width || Height != Source.Height;

    public bool IsWhole(int width, int height) => this == Whole(width, height);

    public Placement Crop(Box box)
    {
        var left = Window.Left + (MirrorX ? Window.Width - box.Right : box.Left);
        var top = Window.Top + (MirrorY ? Window.Height - box.Bottom : box.Top);
        if (Resamples) return this with { Window = new(left, top, box.Width, box.Height) };
        return this with
        {
            Source = new(Source.Left + left, Source.Top + top, box.Width, box.Height),
            Width = box.Width,
            Height = box.Height,
            Window = new(0, 0, box.Width, box.Height),
        };
    }

    /// <summary>Only of one that does not resample yet.</summary>
    public Placement Resize(int width, int height) => this with { Width = width, Height = height, Window = new(0, 0, width, height) };
}
