using System.Buffers;
using System.Globalization;
using Raijin.Data;

namespace Raijin;

/// <summary>
/// An image that transforms change in place, its size included. Crops, a resize and mirrors are only noted; the pixels are made when somebody
/// looks at them, in one pass: a file is then decoded no further than the pixels that are left of it.
/// </summary>
/// <remarks>
/// For one thread at a time. Disposing it gives its memory back to the pool at once; undisposed, the collector takes it.
/// </remarks>
public sealed class RgbImage : IDisposable
{
    string? _path;
    ImageReadOptions? _options;
    EncodedImage? _encoded;
    Rgb[]? _pixels;
    int _sourceWidth, _sourceHeight;
    Placement _placement;
    bool _disposed;

    RgbImage() { }

    /// <summary>A black image.</summary>
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    public RgbImage(int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        Adopt(Rent(width, height), width, height);
        Pixels.Clear();
    }

    /// <summary>An image of the pixels given, which are copied.</summary>
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="pixels">Row-major, width × height.</param>
    public RgbImage(int width, int height, ReadOnlySpan<Rgb> pixels) : this(width, height)
    {
        if (pixels.Length != width * height)
            throw new ArgumentException($"{width} × {height} pixels are {width * height}, but {pixels.Length} were given.", nameof(pixels));
        pixels.CopyTo(Pixels);
    }

    /// <summary>An image file, read when its size or its pixels are first asked for.</summary>
    /// <param name="path">JPEG, PNG, WebP, BMP or GIF (its first frame); told by its content. Transparency is dropped, EXIF orientation applied.</param>
    /// <param name="options">Limits and shortcuts.</param>
    public static RgbImage Open(string path, ImageReadOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new() { _path = path, _options = options ?? new() };
    }

    /// <summary>An image out of a file's bytes; its header is read at once, its pixels when they are asked for.</summary>
    /// <param name="encoded">What an image file holds.</param>
    /// <param name="name">What to call it in errors.</param>
    /// <param name="options">Limits and shortcuts.</param>
    /// <exception cref="ImageException">The bytes are not an image, or one that is too large.</exception>
    public static RgbImage Decode(ReadOnlySpan<byte> encoded, string name = "the image", ImageReadOptions? options = null)
    {
        var image = new RgbImage();
        image.Adopt(EncodedImage.Of(encoded, name, options ?? new()));
        return image;
    }

    /// <summary>Columns.</summary>
    /// <exception cref="ImageException">The file is not an image, or one that is too large.</exception>
    public int Width
    {
        get
        {
            Load();
            return _placement.Window.Width;
        }
    }

    /// <summary>Rows.</summary>
    /// <exception cref="ImageException">The file is not an image, or one that is too large.</exception>
    public int Height
    {
        get
        {
            Load();
            return _placement.Window.Height;
        }
    }

    /// <summary>The pixels, row-major, to read and to change; valid until the image's geometry is changed.</summary>
    /// <exception cref="ImageException">The file does not decode.</exception>
    public Span<Rgb> Pixels
    {
        get
        {
            Make();
            return _pixels.AsSpan(0, _sourceWidth * _sourceHeight);
        }
    }

    /// <summary>One row of <see cref="Pixels"/>.</summary>
    public Span<Rgb> Row(int y)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(y);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(y, Height);
        return Pixels.Slice(y * Width, Width);
    }

    /// <summary>Leaves a rectangle of the image.</summary>
    /// <param name="left">Its first column.</param>
    /// <param name="top">Its first row.</param>
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is empty or not inside the image.</exception>
    public void Crop(int left, int top, int width, int height)
    {
        Load();
        if (left < 0 || top < 0 || width < 1 || height < 1 || (long)left + width > Width || (long)top + height > Height)
            throw new ArgumentOutOfRangeException(nameof(left), string.Create(CultureInfo.InvariantCulture,
                $"A crop of {width} × {height} at ({left}, {top}) is not inside the image of {Width} × {Height}: give a smaller one, or pad or resize the image first."));
        _placement = _placement.Crop(new(left, top, width, height));
    }

    /// <summary>
    /// Resamples the image to another size, bilinearly and with antialiasing (each pixel is the weighted mean of all it covers), bit for bit as
    /// Pillow does.
    /// </summary>
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    public void Resize(int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        if (width == Width && height == Height) return;
        if (_placement.Resamples) Make();
        _placement = _placement.Resize(width, height);
    }

    /// <summary>Exchanges left and right.</summary>
    public void FlipHorizontal()
    {
        Load();
        _placement = _placement with { MirrorX = !_placement.MirrorX };
    }

    /// <summary>Exchanges top and bottom.</summary>
    public void FlipVertical()
    {
        Load();
        _placement = _placement with { MirrorY = !_placement.MirrorY };
    }

    // Draws a new image of the size given: the drawing gets the pixels so far and the uninitialised ones to fill.
    internal void Redraw<TState>(int width, int height, TState state, Drawing<TState> draw) where TState : allows ref struct
    {
        Make();
        var drawn = Rent(width, height);
        draw(state, Pixels, drawn.AsSpan(0, width * height));
        Adopt(drawn, width, height);
    }

    internal delegate void Drawing<TState>(TState state, ReadOnlySpan<Rgb> source, Span<Rgb> target) where TState : allows ref struct;

    void Load()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_pixels is null && _encoded is null) Adopt(EncodedImage.Read(_path!, _options!));
    }

    void Make()
    {
        Load();
        var placement = _placement;
        if (_encoded is not null)
        {
            var part = _encoded.Decode(placement);
            _encoded.Dispose();
            _encoded = null;
            Adopt(part.Pixels, part.Width, part.Height);
            Resample(new(part.Left, part.Top, placement.Source.Width * part.Scale, placement.Source.Height * part.Scale), placement);
        }
        else if (!placement.IsWhole(_sourceWidth, _sourceHeight))
        {
            var box = placement.Source;
            Resample(new(box.Left, box.Top, box.Width, box.Height), placement);
        }
    }

    void Resample(Area area, in Placement placement)
    {
        var window = placement.Window;
        var whole = placement with { Source = new(0, 0, _sourceWidth, _sourceHeight) };
        if (area == new Area(0, 0, _sourceWidth, _sourceHeight) && whole.IsWhole(_sourceWidth, _sourceHeight)) return;
        var target = Rent(window.Width, window.Height);
        new Resampler(area, placement).Draw(_pixels, _sourceWidth, _sourceHeight, target);
        Adopt(target, window.Width, window.Height);
    }

    void Adopt(EncodedImage encoded)
    {
        _encoded = encoded;
        _placement = Placement.Whole(encoded.Width, encoded.Height);
    }

    void Adopt(Rgb[] pixels, int width, int height)
    {
        if (_pixels is { } old) ArrayPool<Rgb>.Shared.Return(old);
        (_pixels, _sourceWidth, _sourceHeight) = (pixels, width, height);
        _placement = Placement.Whole(width, height);
    }

    static Rgb[] Rent(int width, int height) => ArrayPool<Rgb>.Shared.Rent(checked(width * height));

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        _disposed = true;
        _encoded?.Dispose();
        _encoded = null;
        if (_pixels is { } pixels) ArrayPool<Rgb>.Shared.Return(pixels);
        _pixels = null;
    }
}
