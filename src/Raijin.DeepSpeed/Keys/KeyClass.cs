namespace Raijin.DeepSpeed;

/// <summary>What becomes of a key here.</summary>
enum KeyClass : byte
{
    /// <summary>It becomes an option.</summary>
    Honoured,

    /// <summary>It is read and changes nothing: what it tunes is not there, or decides itself.</summary>
    NoEffect,

    /// <summary>It asks for something that is not there; where it is switched on, a run refuses it and names what to use.</summary>
    NotAvailable,
}

/// <summary>What a value may be.</summary>
enum ValueKind : byte
{
    /// <summary><c>true</c> or <c>false</c>.</summary>
    Flag,

    /// <summary>A whole number.</summary>
    Whole,

    /// <summary>A number.</summary>
    Number,

    /// <summary>Text.</summary>
    Text,

    /// <summary>A list.</summary>
    List,

    /// <summary>An object whose keys are the user's own.</summary>
    Open,

    /// <summary>Anything.</summary>
    Any,
}
