using Microsoft.AspNetCore.Components;
using Updraft.Protocol;
using Updraft.Server.Security;

namespace Updraft.Server.Web;

/// <summary>Base of all pages: the signed-in subject and the values in the URL. Public, because Razor components are public.</summary>
public abstract class PageComponent : ComponentBase
{
    [CascadingParameter]
    private HttpContext Context { get; set; } = null!;

    private protected HttpRequest Request => Context.Request;

    private protected CancellationToken RequestAborted => Context.RequestAborted;

    /// <summary>The signed-in user or token; null on pages that need no sign-in.</summary>
    private protected Subject? SignedInSubject => Context.Features.Get<Subject>();

    /// <summary>The signed-in user or token of a page that needs a sign-in.</summary>
    private protected Subject Me => SignedInSubject ?? throw new InvalidOperationException("The page requires a sign-in.");

    /// <summary>Reads the data of the page. Rendering starts when the task has completed.</summary>
    private protected virtual Task LoadAsync() => Task.CompletedTask;

    /// <inheritdoc/>
    public override async Task SetParametersAsync(ParameterView parameters)
    {
        parameters.SetParameterProperties(this);
        await LoadAsync();
        await base.SetParametersAsync(ParameterView.Empty);
    }

    /// <summary>A value in the path of the URL; empty when the route has none of this name.</summary>
    private protected string Route(string name) => (string?)Context.Request.RouteValues[name] ?? "";

    private protected DeploymentId DeploymentId => new(Route("deploymentId"));

    /// <summary>A value in the query of the URL; null when it is absent or empty.</summary>
    private protected string? Query(string name) => Context.Request.Query[name].ToString() is { Length: > 0 } text ? text : null;

    /// <summary>A whole number in the query of the URL; null when it is absent or not a number.</summary>
    private protected long? Number(string name) => long.TryParse(Query(name), System.Globalization.NumberStyles.None,
        System.Globalization.CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>The query value <c>offset</c>, at least 0, and small enough that a page can be added to it.</summary>
    private protected int Offset => (int)Math.Min(Number("offset") ?? 0, int.MaxValue / 2);
}
