using System.Xml;
using Updraft.Server.Api;

namespace Updraft.Server.Uploads;

/// <summary>
/// The body of Put Block List: <c>&lt;BlockList&gt;&lt;Latest&gt;ID&lt;/Latest&gt;…&lt;/BlockList&gt;</c>. <c>Uncommitted</c> and
/// <c>Committed</c> mean the same here, because staged blocks stay until the slot closes.
/// </summary>
internal static class BlockList
{
    /// <summary>Most bytes that a list of so many blocks needs: an id of 88 characters, its element, and generous white space.</summary>
    public static long MaxBytes(int blocks) => 4096 + 256L * blocks;

    /// <summary>Reads the ids, in their order.</summary>
    /// <exception cref="ApiException">400: not such a list. 413: more than <paramref name="max"/> ids.</exception>
    public static async Task<IReadOnlyList<string>> ReadAsync(Stream xml, int max, CancellationToken cancellationToken)
    {
        // A DTD could name files and grow a few bytes into gigabytes.
        using var reader = XmlReader.Create(xml, new XmlReaderSettings
        {
            Async = true,
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            IgnoreComments = true,
            IgnoreWhitespace = true,
            IgnoreProcessingInstructions = true,
            MaxCharactersInDocument = MaxBytes(max),
        });
        var ids = new List<string>();
        try
        {
            while (await reader.ReadAsync())
            {
                cancellationToken.ThrowIfCancellationRequested();
                switch (reader)
                {
                    case { Depth: 0, NodeType: XmlNodeType.Element, Name: "BlockList" }:
                    case { NodeType: XmlNodeType.EndElement or XmlNodeType.XmlDeclaration }:
                    case { Depth: 1, NodeType: XmlNodeType.Element, Name: "Latest" or "Uncommitted" or "Committed", IsEmptyElement: false }:
                        break;
                    case { Depth: 2, NodeType: XmlNodeType.Text }:
                        Add(ids, reader.Value.Trim(), max);
                        break;
                    default:
                        throw Invalid($"{reader.NodeType} '{ApiException.Shorten(reader.Name)}' does not belong there.");
                }
            }
        }
        catch (XmlException exception)
        {
            throw Invalid($"line {exception.LineNumber} is not well-formed XML.", exception);
        }
        return ids;
    }

    /// <summary>The answer to a list with an id that it cannot have.</summary>
    public static ApiException Refused(string message) => BlobError.BadRequest("InvalidBlockList", message);

    private static void Add(List<string> ids, string id, int max)
    {
        if (!BlockId.IsValid(id))
            throw Refused($"The block list has '{ApiException.Shorten(id)}', which is not the base64 form of 1 to 64 bytes.");
        if (ids.Count > 0 && id.Length != ids[0].Length)
            throw Refused("The ids of a block list must all have the same length.");
        if (ids.Count == max)
            throw BlobError.Of(StatusCodes.Status413PayloadTooLarge, "BlockListTooLong",
                $"The block list has more than {max} blocks (Uploads:MaxBlocks).");
        ids.Add(id);
    }

    private static ApiException Invalid(string why, Exception? cause = null) =>
        BlobError.BadRequest("InvalidXmlDocument", $"The body is no block list: {why}", cause);
}
