using System.Net.Mime;
using System.Xml;
using System.Xml.Linq;
using Updraft.Server.Api;

namespace Updraft.Server.Uploads;

/// <summary>
/// Creates the errors of uploads. A blob client that accepts XML gets an <c>Error</c> element with <c>Code</c> and <c>Message</c>. The
/// reason is Azure's library for .NET: it fails on JSON errors that are not Azure's own, and hides the message. Other clients get the
/// common JSON. The header <c>x-ms-error-code</c> has the code of Azure Blob Storage in both cases.
/// </summary>
internal static class BlobError
{
    /// <summary>400 with a code of Azure Blob Storage.</summary>
    public static ApiException BadRequest(string blobCode, string message) => Of(RequestErrors.InvalidRequest, blobCode, message);

    /// <summary>413: the upload exceeds a limit.</summary>
    /// <param name="limit">The setting, e.g. <c>Uploads:MaxBytes</c>.</param>
    /// <param name="message">The public text.</param>
    public static ApiException TooLarge(string limit, string message) =>
        Of(UploadErrors.UploadTooLarge, "RequestBodyTooLarge", message, limit: limit);

    /// <summary>An error with a code of Updraft and a code of Azure Blob Storage.</summary>
    /// <param name="code">The kind of error; decides the status.</param>
    /// <param name="blobCode">Code for the header <c>x-ms-error-code</c>.</param>
    /// <param name="message">The public text.</param>
    /// <param name="cause">Goes to the log.</param>
    /// <param name="limit">The setting whose limit the request exceeds; null without one.</param>
    public static ApiException Of(ErrorCode code, string blobCode, string message, Exception? cause = null, string? limit = null) =>
        new(code, message, cause) { BlobErrorCode = blobCode, Limit = limit };

    /// <summary>Whether the client accepts errors as XML.</summary>
    public static bool AcceptsXml(HttpRequest request) => request.GetTypedHeaders().Accept
        .Any(type => type.MediaType.Equals(MediaTypeNames.Application.Xml, StringComparison.OrdinalIgnoreCase));

    /// <summary>Writes the error as XML.</summary>
    public static async Task WriteXmlAsync(HttpResponse response, ApiException exception, CancellationToken cancellationToken)
    {
        var code = exception.BlobErrorCode ?? (exception.StatusCode >= 500 ? "InternalError" : "InvalidInput");
        var error = new XElement("Error",
            new XElement("Code", code),
            new XElement("Message", new string(exception.Message.Where(XmlConvert.IsXmlChar).ToArray())));
        response.StatusCode = exception.StatusCode;
        response.ContentType = "application/xml; charset=utf-8";
        response.Headers["x-ms-error-code"] = code;
        response.Headers[ErrorCode.Header] = exception.Code.Id;
        await response.WriteAsync("<?xml version=\"1.0\" encoding=\"utf-8\"?>" + error.ToString(SaveOptions.DisableFormatting),
            cancellationToken);
    }
}
