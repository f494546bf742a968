using System.Xml;
using Updraft.Server.Api;

namespace Updraft.Server.Uploads;

/// <summary>
/// The body of Put Block List: <c>&lt;BlockList&gt;&lt;Latest&gt;ID&lt;/Latest&gt;…&lt;/BlockList&gt;</c>. <c>Uncommitted</c> and
/// <c>Committed</c> mean the same here, because staged blocks stay until the slot closes.
/// </summary>
internal static class BlockList
{
    /// <summary>Most bytes of a list with so many blocks: an id of 88 characters, its element, and ample white space for each.</summary>
    public static long MaxBytes(int blocks) => 4096 + 256L * blocks;

    /// <summary>Reads the ids, in their order.</summary>
    /// <exception cref="ApiException">400: the list is malformed. 413: it has more than <paramref name="maxBlocks"/> ids.</exception>
    public static async Task<IReadOnlyList<string>> ReadAsync(Stream xml, int maxBlocks, CancellationToken cancellationToken)
    {
        // A DTD could read files of the server, and expand a few bytes to gigabytes.
        using var reader = XmlReader.Create(xml, new XmlReaderSettings
        {
            Async = true,
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            IgnoreComments = true,
            IgnoreWhitespace = true,
            IgnoreProcessingInstructions = true,
            MaxCharactersInDocument = MaxBytes(maxBlocks),
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
                        Add(ids, reader.Value.Trim(), maxBlocks);
                        break;
                    default:
                        throw Malformed($"{reader.NodeType} '{ApiException.Shorten(reader.Name)}' is not allowed there.");
                }
            }
        }
        catch (XmlException exception)
        {
            throw Malformed($"line {exception.LineNumber} is not well-formed XML.", exception);
        }
        return ids;
    }

    /// <summary>An error of a well-formed list that names an invalid or missing block.</summary>
    public static ApiException Invalid(string message) => BlobError.Of(UploadErrors.InvalidBlockList, "InvalidBlockList", message);

    private static void Add(List<string> ids, string id, int maxBlocks)
    {
        if (!BlockId.IsValid(id))
            throw Invalid($"The block list has the id '{ApiException.Shorten(id)}'. An id must be the base64 form of 1 to 64 bytes.");
        if (ids.Count > 0 && id.Length != ids[0].Length)
            throw Invalid($"The block list has ids of {ids[0].Length} and {id.Length} characters. All ids must have the same length.");
        if (ids.Count == maxBlocks)
            throw BlobError.Of(UploadErrors.TooManyBlocks, "BlockListTooLong",
                $"The block list has more than {maxBlocks} blocks ({UploadLimits.MaxBlocks}). Upload larger blocks, or raise the setting.",
                limit: UploadLimits.MaxBlocks);
        ids.Add(id);
    }

    private static ApiException Malformed(string reason, Exception? cause = null) => BlobError.Of(UploadErrors.InvalidBlockList,
        "InvalidXmlDocument", $"The body is not a block list: {reason} Send <BlockList><Latest>ID</Latest>…</BlockList>.", cause);
}
