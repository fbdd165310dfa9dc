import { heading } from "./heading.js";

var element = document.querySelector("mini-flow");
element.textContent = heading(element.getAttribute("heading"));
