using System.Net.Mime;
using System.Xml;
using System.Xml.Linq;
using Updraft.Server.Api;

namespace Updraft.Server.Uploads;

/// <summary>
/// Refusals for blob clients that ask for XML: <c>&lt;Error&gt;&lt;Code/&gt;&lt;Message/&gt;&lt;/Error&gt;</c>. Azure's library for .NET fails over an error
/// in JSON that is not Azure's own, and its user would not see what was wrong. Everybody else gets the common JSON.
/// </summary>
internal static class BlobError
{
    public static bool IsWanted(HttpRequest request) =>
        request.GetTypedHeaders().Accept.Any(type => type.MediaType.Equals(MediaTypeNames.Application.Xml, StringComparison.OrdinalIgnoreCase));

    public static async Task WriteAsync(HttpResponse response, ApiException refusal, CancellationToken cancellationToken)
    {
        var code = refusal.BlobErrorCode ?? "InvalidInput";
        var error = new XElement("Error",
            new XElement("Code", code),
            new XElement("Message", new string(refusal.Message.Where(XmlConvert.IsXmlChar).ToArray())));
        response.StatusCode = refusal.StatusCode;
        response.ContentType = "application/xml; charset=utf-8";
        response.Headers["x-ms-error-code"] = code;
        await response.WriteAsync("<?xml version=\"1.0\" encoding=\"utf-8\"?>" + error.ToString(SaveOptions.DisableFormatting), cancellationToken);
    }
}
