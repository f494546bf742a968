using System.Net.Mime;
using System.Xml;
using System.Xml.Linq;
using Updraft.Server.Api;

namespace Updraft.Server.Uploads;

/// <summary>
/// Refusals of uploads. Blob clients that ask for XML get an <c>Error</c> with <c>Code</c> and <c>Message</c>: Azure's
/// library for .NET fails over an error in JSON that is not Azure's own, and its user would not see what was wrong.
/// Everybody else gets the common JSON; the header <c>x-ms-error-code</c> has the code in both cases.
/// </summary>
internal static class BlobError
{
    /// <summary>400 with a code of Azure Blob Storage.</summary>
    public static ApiException BadRequest(string code, string message, Exception? cause = null) =>
        Of(StatusCodes.Status400BadRequest, code, message, cause);

    /// <summary>413: more bytes than a limit allows.</summary>
    public static ApiException TooLarge(string message) => Of(StatusCodes.Status413PayloadTooLarge, "RequestBodyTooLarge", message);

    /// <summary>Any status with a code of Azure Blob Storage.</summary>
    public static ApiException Of(int status, string code, string message, Exception? cause = null) =>
        new(status, message, cause) { BlobErrorCode = code };

    /// <summary>Whether the client reads errors as XML.</summary>
    public static bool IsWanted(HttpRequest request) => request.GetTypedHeaders().Accept
        .Any(type => type.MediaType.Equals(MediaTypeNames.Application.Xml, StringComparison.OrdinalIgnoreCase));

    /// <summary>Answers with the XML form.</summary>
    public static async Task WriteAsync(HttpResponse response, ApiException refusal, CancellationToken cancellationToken)
    {
        var code = refusal.BlobErrorCode ?? (refusal.StatusCode >= 500 ? "InternalError" : "InvalidInput");
        var error = new XElement("Error",
            new XElement("Code", code),
            new XElement("Message", new string(refusal.Message.Where(XmlConvert.IsXmlChar).ToArray())));
        response.StatusCode = refusal.StatusCode;
        response.ContentType = "application/xml; charset=utf-8";
        response.Headers["x-ms-error-code"] = code;
        await response.WriteAsync("<?xml version=\"1.0\" encoding=\"utf-8\"?>" + error.ToString(SaveOptions.DisableFormatting),
            cancellationToken);
    }
}
