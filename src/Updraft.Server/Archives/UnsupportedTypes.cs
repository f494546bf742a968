namespace Updraft.Server.Archives;

/// <summary>The types of entries that Updraft rejects.</summary>
internal static class UnsupportedTypes
{
    private const string Remove = "Remove it, and pack the archive again.";

    /// <summary>
    /// The reason and the next step for a header of an unsupported type; null for other types. The other fields of the header are not
    /// checked yet, because they depend on the type.
    /// </summary>
    public static (string Problem, string Advice)? Find(in TarHeader header) => header.Type switch
    {
        '\0' or '0' or '1' or '2' or '5' or '7' or 'D' => null,
        'S' when header.IsGnu => null,
        '3' or '4' => ("is a device", Remove),
        '6' => ("is a FIFO", Remove),
        's' => ("has the type 's' and is a socket", Remove),
        'S' => ("is a sparse file of star, which Updraft does not support", "Use star without -sparse, or GNU tar."),
        'M' => ("continues from another volume", "Use tar without --multi-volume."),
        'N' => ("has the type 'N', a list of long names by GNU tar of 1994", "Pack the archive again with a newer tar."),
        'A' or 'E' => ($"has the type '{header.Type}', an attribute of a file on Solaris", "Use tar without the options -@, -/ and -p."),
        'I' => ("has the type 'I', a part of a dump by star", "Use star without -dump, or GNU tar."),
        var other => ($"has the type '{BadArchive.Shorten(other.ToString())}', which is not a file, directory or link", Remove),
    };
}
