using System.Runtime.InteropServices;

namespace Raijin;

/// <summary>A pixel: red, green and blue, 0 to 255 each. Four bytes in memory, the fourth without meaning.</summary>
/// <param name="R">Red.</param>
/// <param name="G">Green.</param>
/// <param name="B">Blue.</param>
[StructLayout(LayoutKind.Sequential, Size = 4)]
public readonly record struct Rgb(byte R, byte G, byte B);
