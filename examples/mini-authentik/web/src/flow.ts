import { NoteKindEnum, type Note } from "@mini/api";

import { html, LitElement } from "lit";

import { notes, root } from "./api.js";

/** The page of a flow: what is configured, and the notes. */
class Flow extends LitElement {
    static properties = { heading: {}, version: { state: true }, list: { state: true } };

    declare heading: string;
    declare version: string;
    declare list: Note[];

    constructor() {
        super();
        this.list = [];
    }

    async connectedCallback(): Promise<void> {
        super.connectedCallback();
        this.version = (await root().rootConfigRetrieve()).version;
        await this.refresh();
    }

    async refresh(): Promise<void> {
        this.list = await notes().notesList();
    }

    async add(event: SubmitEvent): Promise<void> {
        event.preventDefault();
        const title = String(new FormData(event.target as HTMLFormElement).get("title"));
        await notes().notesCreate({ noteRequest: { title, kind: NoteKindEnum.Task } });
        await this.refresh();
    }

    render() {
        return html`<h1>${this.heading}</h1>
            <form @submit=${this.add}><input name="title" required /><button>Add</button></form>
            <ul>
                ${this.list.map((note) => html`<li>${note.created.toISOString()} ${note.title}</li>`)}
            </ul>
            <footer>${this.version}</footer>`;
    }
}

customElements.define("mini-flow", Flow);
