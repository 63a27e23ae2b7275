"""The desk: the pages that sales and marketing look at together, rendered here, with nothing from elsewhere.

sessions   who is signed in, as rows of the store
cookies    what a browser holds, and what proves that a form is ours
attempts   how often an address may try to sign in
visitors   who asks for a page, and what they may do
forms      what a browser sends, read within its limits
answering  refusals as pages, and pages as answers
pages      templates, style and script, and the headers they go out with
words      figures and moments as the pages say them
drawing    lines and points of charts, as numbers of an SVG
agreeing   what each capacity would have meant, beside what is agreed
trends     how readiness went lately, and why it is what it is
working    the work list as the page shows it
telling    one lead: what happened, its readiness over time, reasons then and now
trusting   what became of what was told, from the last look of `readiness watch`
schemas    the agreed policy as JSON
policy     its endpoints
doors      signing in and out, and the files that pages ask for
routes     the pages
"""
