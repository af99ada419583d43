namespace Raijin;

/// <summary>What can be logged; a logger says which of it it shows, and what nobody shows costs nothing.</summary>
public enum LogKind
{
    /// <summary>Numbers under keys.</summary>
    Scalars,

    /// <summary>How a tensor's values are distributed.</summary>
    Histograms,

    /// <summary>Pictures made of pixels.</summary>
    Images,

    /// <summary>Text; Markdown where the logger shows it.</summary>
    Text,

    /// <summary>Charts.</summary>
    Figures,

    /// <summary>What the run was made with: options, hyper-parameters of the module, its layers.</summary>
    Parameters,
}
